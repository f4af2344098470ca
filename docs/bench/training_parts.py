"""Where an iteration of training goes: convolutions, and passes over memory beside the rate of copying.

    python docs/bench/training_parts.py [--json FILE]

Level 1's training net, batch 64, one CPU thread, as tests/trainers/solver/plain_loop.py runs it. For
each kind of step: milliseconds an iteration, and for those that compute little the bytes that they must
move at least (each tensor read or written once a pass), as a rate beside that of copying 64 MB, and the
time that they would take at that rate. `iteration` is timed without the clocks of the steps.
"""

import argparse
import json
import shlex
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from protoface.cascade.measure.machine import machine, versions

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests" / "trainers" / "solver"))
import plain_loop

#: Passes over one activation that a step needs at least: reads and writes.
PASSES = {
    "native_batch_norm": 3,  # read for the sums, read and written to normalise
    "native_batch_norm_backward": 5,  # x and gradient read for the sums, both read again, one written
    "relu_": 2,
    "threshold_backward": 3,
}
CONVOLUTIONS = ("convolution", "convolution_backward")
WARM_UP, ITERATIONS = 6, 20


class Parts(TorchDispatchMode):
    """Adds up seconds and bytes of the steps that run inside."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds, self.bytes = defaultdict(float), defaultdict(int)

    def __torch_dispatch__(self, function, types, arguments=(), named=None):
        """Run a step with a clock beside it."""
        start = time.thread_time()
        result = function(*arguments, **(named or {}))
        name = function.name().partition("::")[2].partition(".")[0]
        self.seconds[name] += time.thread_time() - start
        if name in PASSES:
            self.bytes[name] += PASSES[name] * arguments[0].nbytes
        return result


def copy_rate() -> float:
    """Bytes a second that are read and written when a tensor of 64 MB is copied."""
    source, target = (torch.randn(1 << 24) for _ in range(2))
    start = time.thread_time()
    for _ in range(20):
        target.copy_(source)
    return 20 * 2 * source.nbytes / (time.thread_time() - start)


def main() -> None:
    """Measure and print, and write JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        step, parts = plain_loop.protoface_step(Path(folder)), Parts()
        for _ in range(WARM_UP):
            step()
        rate = copy_rate()
        start = time.thread_time()
        for _ in range(ITERATIONS):
            step()
        whole = 1000 * (time.thread_time() - start) / ITERATIONS
        with parts:
            for _ in range(ITERATIONS):
                step()
    rows = [{"step": "iteration", "ms": round(whole, 2)}]
    for name in (*CONVOLUTIONS, *PASSES):
        row = {"step": name, "ms": round(1000 * parts.seconds[name] / ITERATIONS, 2)}
        if name in PASSES:
            moved = parts.bytes[name]
            row["GB_per_s"] = round(moved / parts.seconds[name] / 1e9, 2)
            row["ms_at_copy_rate"] = round(1000 * moved / rate / ITERATIONS, 2)
        rows.append(row)
    report = {
        "command": shlex.join(["python", *sys.argv]),
        "machine": machine(),
        "versions": versions(),
        "copy_GB_per_s": round(rate / 1e9, 2),
        "rows": rows,
    }
    print(json.dumps(report, indent=1))
    if chosen.json:
        chosen.json.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
