"""Two processes (gloo) against one with averaged gradients."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from protoface.converters import read_weights
from protoface.converters.weights import arrays_of
from protoface.trainers.net.distributed import Ranks
from protoface.trainers.solver.train import train

from ..solver.small_run import edit

TORCHRUN = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]


def in_two_processes(*arguments: str) -> subprocess.CompletedProcess[str]:
    # without the --, torchrun takes --log for an abbreviation of its own --log-dir
    command = [sys.executable, *TORCHRUN, "-m", "--", "protoface", "train", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=100)


@pytest.mark.slow
def test_two_processes_equal_one_with_averaged_gradients(folder: Path) -> None:
    # what is random per picture differs between the processes: without it, the runs are comparable
    edit("net.prototxt", "mirror: true crop_size: 22", "")
    edit("net.prototxt", "dropout_ratio: 0.3", "dropout_ratio: 0")
    train("solver.prototxt", dtype="float64", max_iter=10, log="one.csv")  # with iter_size: 2
    one = arrays_of(read_weights("out/net_iter_10.caffemodel"), "one")
    edit("solver.prototxt", "iter_size: 2", "iter_size: 1")
    run = ["--solver", "solver.prototxt", "--dtype", "float64", "--threads", "1", "--log", "two.csv"]
    done = in_two_processes(*run, "--max-iter", "10")
    assert done.returncode == 0, done.stderr[-2000:]
    path = "out/net_iter_10.caffemodel"
    whole = Path(path).read_bytes()
    two = arrays_of(read_weights(path), "two")
    for key in ("conv.0", "scale.0", "scale.1", "fc.0", "fc.1"):
        np.testing.assert_allclose(two[key], one[key], rtol=0, atol=1e-12)
    # BatchNorm moves once an iteration in rank 0, twice with iter_size: 2
    fraction = float(np.float32(0.999))
    assert two["bn.2"][0] == pytest.approx(sum(fraction**k for k in range(10)))
    assert one["bn.2"][0] == pytest.approx(sum(fraction**k for k in range(20)))
    state = ["--snapshot", "out/net_iter_5.solverstate"]
    assert in_two_processes(*run, "--max-iter", "10", *state).returncode == 0
    assert Path(path).read_bytes() == whole


VOTES = """
import sys
import torch
from protoface.trainers.net.distributed import ranks
with ranks(torch.device("cpu")) as here:
    votes = here.votes()
    counted = [votes(15 if (here.rank, turn) == (1, 3) else 0) for turn in range(7)]
    votes.close()
    print(counted, file=open(f"{sys.argv[1]}/{here.rank}", "w"))
"""


@pytest.mark.slow
def test_a_vote_of_one_process_counts_for_all_in_the_next_iteration(tmp_path: Path) -> None:
    (tmp_path / "votes.py").write_text(VOTES)
    command = [sys.executable, *TORCHRUN, str(tmp_path / "votes.py"), str(tmp_path)]
    subprocess.run(command, check=True, capture_output=True, timeout=100)
    for rank in "01":
        assert (tmp_path / rank).read_text() == "[0, 0, 0, 0, 15, 0, 0]\n"


def test_alone_the_own_vote_counts_at_once() -> None:
    votes = Ranks().votes()
    assert [votes(number) for number in (0, 2, 0)] == [0, 2, 0]
    votes.close()


def children(process: int) -> list[int]:
    """Processes that this one started, by /proc."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            number, _, rest = path.read_text().partition(" (")
        except OSError:  # it has ended
            continue
        if int(rest.rpartition(")")[2].split()[1]) == process:
            found.append(int(number))
    return found


@pytest.mark.slow
@pytest.mark.parametrize("one", [True, False])
def test_a_signal_ends_all_processes_with_one_snapshot(folder: Path, one: bool) -> None:
    """To one of two processes, or to torchrun, which passes it on."""
    edit("solver.prototxt", "max_iter: 30", "max_iter: 100000")
    edit("solver.prototxt", "snapshot: 5", "snapshot: 0")
    edit("solver.prototxt", "test_interval: 10", "test_interval: 1000000")
    run = ["--solver", "solver.prototxt", "--threads", "1", "--log"]
    command = [sys.executable, *TORCHRUN, "-m", "--", "protoface", "train", *run]
    with subprocess.Popen(
        [*command, "a.csv"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as torchrun:
        while not Path("a.csv").exists() or len(Path("a.csv").read_text().splitlines()) < 20:
            time.sleep(0.05)
            assert torchrun.poll() is None, torchrun.communicate()[0]
        os.kill(max(children(torchrun.pid)) if one else torchrun.pid, signal.SIGTERM)
        said, _ = torchrun.communicate(timeout=60)
    (state,) = Path("out").glob("*.solverstate")
    last = int(state.stem.rpartition("_")[2])
    assert f"stopped after {last} iterations; resume with --snapshot {state}" in said
    assert len(Path("a.csv").read_text().splitlines()) == last + 1
    if not one:  # the rest is the same
        return
    end = ["--max-iter", str(last + 5)]
    assert in_two_processes(*run, "a.csv", *end, "--snapshot", str(state)).returncode == 0
    broken = Path(f"out/net_iter_{last + 5}.caffemodel").read_bytes()
    assert in_two_processes(*run, "b.csv", *end).returncode == 0
    assert Path(f"out/net_iter_{last + 5}.caffemodel").read_bytes() == broken
    assert Path("a.csv").read_text() == Path("b.csv").read_text()


@pytest.mark.slow
def test_another_number_of_processes(folder: Path) -> None:
    train("solver.prototxt", max_iter=5)
    done = in_two_processes("--solver", "solver.prototxt", "--snapshot", "out/net_iter_5.solverstate")
    assert done.returncode != 0
    assert "was trained by 1 processes, not by 2" in done.stderr
