"""Two processes (gloo) against one with averaged gradients."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from protoface.converters import read_weights
from protoface.converters.weights import arrays_of
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


@pytest.mark.slow
def test_another_number_of_processes(folder: Path) -> None:
    train("solver.prototxt", max_iter=5)
    done = in_two_processes("--solver", "solver.prototxt", "--snapshot", "out/net_iter_5.solverstate")
    assert done.returncode != 0
    assert "was trained by 1 processes, not by 2" in done.stderr
