"""Times `detect` of two checkouts of protoface against each other, picture by picture in turn.

    python docs/bench/versions.py --before FOLDER [--after FOLDER] --images DIR [--models fast accurate]
        [--size 640x480] [--rounds 40] [--json FILE]

FOLDER is a checkout; `--after` is this one by default. Each version runs in a process of its own, one
thread, ONNX Runtime; one round times every model once in each, over all pictures. A time is the median
over the rounds of the mean per picture, a ratio the median of the rounds' ratios. `nets` is the sum of
the forward passes alone, of the version after, in the same rounds.
"""

import argparse
import json
import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

HERE = Path(__file__).resolve().parents[2]
FOLDERS = ("prototxt", "converters", "cascade", "eval", "trainers")
#: Pictures that a round looks at.
PICTURES = 24

#: What each version runs: to a model it answers milliseconds per picture, in all and in the nets.
WORKER = """
import json, logging, sys, time
from pathlib import Path
import cv2
from protoface.cascade.cascade import load
logging.disable(logging.WARNING)
cv2.setNumThreads(1)
files, size = json.loads(sys.argv[1]), json.loads(sys.argv[2])
images = [cv2.imread(file) for file in files]
if size:
    images = [cv2.resize(image, size, interpolation=cv2.INTER_AREA) for image in images]
cascades = {}
def nets(cascade, image):
    total = 0.0
    for step in cascade.steps([image], clock=time.perf_counter):
        total += step.seconds.forward
    return total
for line in sys.stdin:
    name = line.strip()
    if name not in cascades:
        cascades[name] = load(name, "onnxruntime", threads=1)
        for image in images:
            cascades[name].detect(image)
    cascade = cascades[name]
    start = time.perf_counter()
    for image in images:
        cascade.detect(image)
    whole = time.perf_counter() - start
    inside = sum(nets(cascade, image) for image in images)
    print(json.dumps([1000 * whole / len(images), 1000 * inside / len(images)]), flush=True)
"""


def package_of(checkout: Path, folder: Path) -> Path:
    """A folder to import a checkout's `protoface` from, whatever is installed."""
    inside = folder / "protoface"
    inside.mkdir(parents=True)
    for entry in (*((checkout / name) for name in FOLDERS), *(checkout / "package").iterdir()):
        (inside / entry.name).symlink_to(entry)
    return folder


def start(package: Path, files: list[str], size: list[int] | None) -> subprocess.Popen:
    """A version that waits for names of models."""
    command = [sys.executable, "-c", WORKER, json.dumps(files), json.dumps(size)]
    return subprocess.Popen(
        command,
        env={**os.environ, "PYTHONPATH": str(package)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        bufsize=1,
    )


def ask(worker: subprocess.Popen, model: str) -> list[float]:
    """Milliseconds per picture of one round: in all, and of the nets."""
    worker.stdin.write(f"{model}\n")
    return json.loads(worker.stdout.readline())


def row(model: str, rounds: list[tuple[list[float], list[float]]]) -> dict:
    """The figures of one model."""
    befores, afters = [before[0] for before, _ in rounds], [after[0] for _, after in rounds]
    nets = [after[1] for _, after in rounds]
    return {
        "model": model,
        "before_ms": round(median(befores), 4),
        "after_ms": round(median(afters), 4),
        "nets_ms": round(median(nets), 4),
        "after_over_before": round(median(a / b for a, b in zip(afters, befores, strict=True)), 3),
        "after_over_nets": round(median(a / n for a, n in zip(afters, nets, strict=True)), 3),
    }


def main() -> None:
    """Measure and print, and write JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--before", type=Path, required=True)
    parser.add_argument("--after", type=Path, default=HERE)
    parser.add_argument("--images", type=Path, required=True)
    parser.add_argument("--models", nargs="+", default=["fast", "accurate"])
    parser.add_argument("--size", default="640x480", help="or `as-is`")
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args()
    size = None if chosen.size == "as-is" else [int(side) for side in chosen.size.split("x")]
    listed = sorted(str(path) for path in chosen.images.iterdir())
    files = listed[:: max(1, len(listed) // PICTURES)][:PICTURES]
    with tempfile.TemporaryDirectory() as folder:
        packages = [
            package_of(checkout.resolve(), Path(folder) / name)
            for name, checkout in (("before", chosen.before), ("after", chosen.after))
        ]
        workers = [start(package, files, size) for package in packages]
        rounds = {model: [] for model in chosen.models}
        for number in range(chosen.rounds):
            for model in chosen.models:
                order = (0, 1) if number % 2 else (1, 0)  # neither is always the first
                found = {index: ask(workers[index], model) for index in order}
                rounds[model].append((found[0], found[1]))
        for worker in workers:
            worker.stdin.close()
            worker.wait()
    rows = [row(model, found) for model, found in rounds.items()]
    for one in rows:
        print(json.dumps(one))
    if chosen.json:
        from protoface.cascade.measure.machine import machine, versions

        report = {
            "command": shlex.join(["python", *sys.argv]),
            "machine": machine(),
            "versions": versions(),
            "size": chosen.size,
            "pictures": len(files),
            "rounds": chosen.rounds,
            "rows": rows,
        }
        chosen.json.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
