"""The training loop: what it writes, what it goes on from, and what it stops at."""

from __future__ import annotations

import csv
import os
import random
import re
import resource
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from protoface.converters import ProtofaceError, read_weights
from protoface.converters.stopping import Interrupted
from protoface.converters.weights import arrays_of, write_weights
from protoface.trainers.solver.solver_file import read_solver
from protoface.trainers.solver.solver_trainer import StoppedError, Trainer
from protoface.trainers.solver.train import train

from .small_run import edit


def rows(path: str) -> list[list[str]]:
    with open(path, newline="") as file:
        return list(csv.reader(file))


def test_what_a_run_leaves(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("protoface.trainers.solver.curves.DPI", 120)  # as users see it
    lines: list[str] = []
    done = train("solver.prototxt", log="run.csv", report=lines.append)
    assert (done.iteration, done.seed) == (30, 3)
    names = {path.name for path in Path("out").iterdir()}
    expected = {
        f"net_iter_{n}.{kind}" for n in range(5, 31, 5) for kind in ("caffemodel", "solverstate")
    }
    assert names == expected
    header, *body = rows("run.csv")
    assert header == ["iteration", "lr", "loss"]
    assert [int(row[0]) for row in body] == list(range(30))
    rates = [float(row[1]) for row in body]
    assert rates[11] / rates[12] == pytest.approx(10)
    assert rates[0] == float(np.float32(0.001))
    tests = rows("run.test.csv")
    assert [row[0] for row in tests] == ["iteration", "0", "10", "20", "30"]
    assert tests[0][1] == "loss"
    drawn = {tuple(colour) for colour in cv2.imread("run.png").reshape(-1, 3).tolist()}
    assert {(180, 119, 31), (14, 127, 255)} < drawn  # the smoothed loss is blue, the tests' orange
    assert [path.name.split(".")[2] for path in Path("run_tensorboard").iterdir()] == ["tfevents"]
    told = [line.partition(", test: loss = ")[0] for line in lines if ", test: " in line]
    assert told == [f"iteration {number}" for number in (0, 10, 20, 30)]


def test_no_snapshot_after_train(folder: Path) -> None:
    edit("solver.prototxt", "max_iter: 30", "max_iter: 7 snapshot_after_train: false")
    assert train("solver.prototxt").weights == Path("out/net_iter_5.caffemodel")  # the last snapshot
    assert not Path("out/net_iter_7.caffemodel").exists()


def test_max_iter_0_writes_the_initial_weights(folder: Path) -> None:
    edit("solver.prototxt", "snapshot: 5", "snapshot: 0")
    done = train("solver.prototxt", max_iter=0)
    arrays = arrays_of(read_weights(done.weights), "weights")
    assert arrays["conv.0"].std() == pytest.approx(np.sqrt(2 / 27), rel=0.2)
    assert not arrays["bn.2"].any()


def test_the_same_seed_gives_the_same_weights(folder: Path) -> None:
    runs = []
    for seed in (5, 5, 6):
        train("solver.prototxt", max_iter=5, seed=seed)
        runs.append(Path("out/net_iter_5.caffemodel").read_bytes())
    assert runs[0] == runs[1] != runs[2]


def test_a_seed_is_drawn_and_told(folder: Path) -> None:
    edit("solver.prototxt", "random_seed: 3", "")
    lines: list[str] = []
    done = train("solver.prototxt", max_iter=2, report=lines.append)
    assert f"seed {done.seed} (drawn" in lines[0]
    first = Path("out/net_iter_2.caffemodel").read_bytes()
    train("solver.prototxt", max_iter=2, seed=done.seed)
    assert Path("out/net_iter_2.caffemodel").read_bytes() == first


@pytest.mark.parametrize(
    ("snapshot_format", "dtype"),
    [
        ("BINARYPROTO", "float32"),
        ("HDF5", "float64"),
        pytest.param("BINARYPROTO", "float64", marks=pytest.mark.slow),
        pytest.param("HDF5", "float32", marks=pytest.mark.slow),
    ],
)
def test_resuming_changes_no_bit(folder: Path, snapshot_format: str, dtype: str) -> None:
    edit("solver.prototxt", "snapshot: 5", f"snapshot: 5 snapshot_format: {snapshot_format}")
    h5 = ".h5" if snapshot_format == "HDF5" else ""
    last = f"out/net_iter_30.caffemodel{h5}"
    train("solver.prototxt", log="a.csv", dtype=dtype)
    whole = arrays_of(read_weights(last), last)
    Path(last).unlink()
    train("solver.prototxt", log="b.csv", dtype=dtype, max_iter=17)
    train("solver.prototxt", log="b.csv", dtype=dtype, snapshot=f"out/net_iter_15.solverstate{h5}")
    for key, array in arrays_of(read_weights(last), last).items():
        assert array.dtype == dtype
        np.testing.assert_array_equal(array, whole[key])
    assert Path("a.csv").read_text() == Path("b.csv").read_text()
    assert Path("a.test.csv").read_text() == Path("b.test.csv").read_text()


def test_resuming_at_the_end_tests_again(folder: Path) -> None:
    """A run that was killed while it tested for the last time."""
    train("solver.prototxt", log="a.csv")
    whole = Path("a.test.csv").read_text()
    Path("a.test.csv").write_text(whole.rpartition("30,")[0])
    done = train("solver.prototxt", log="a.csv", snapshot="out/net_iter_30.solverstate")
    assert done.iteration == 30
    assert Path("a.test.csv").read_text() == whole


def test_a_test_that_is_stopped_leaves_no_trace(folder: Path) -> None:
    solver, source = read_solver("solver.prototxt"), "solver.prototxt"
    trainers = [Trainer(solver, source, 3, torch.device("cpu")) for _ in range(2)]

    class Third:
        count = 0

        def __bool__(self) -> bool:
            self.count += 1
            return self.count == 2

    losses = []
    for trainer in trainers:
        torch.manual_seed(5)
        trainer.step()
        if trainer is trainers[0]:
            with pytest.raises(StoppedError):
                trainer.test(Third())
        trainer.step()
        losses.append(trainer.test()[0]["loss"].item())
    assert losses[0] == losses[1]
    assert torch.equal(trainers[0].parameters.values, trainers[1].parameters.values)


TRAIN = [sys.executable, "-m", "protoface", "train", "--threads", "1"]


class At:
    """Sends this process a signal when a line says so."""

    def __init__(self, text: str, *numbers: int) -> None:
        self.text, self.numbers, self.lines = text, numbers, list[str]()

    def __call__(self, line: str) -> None:
        self.lines.append(line)
        if self.text in line:
            for number in self.numbers:
                os.kill(os.getpid(), number)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("iteration", [0, 10])
def test_a_signal_ends_with_a_snapshot(folder: Path, number: int, iteration: int) -> None:
    """As Caffe on SIGINT. What goes on from it equals the unbroken run."""
    train("solver.prototxt", log="a.csv", report=At("never"))
    whole = Path("out/net_iter_30.caffemodel").read_bytes()
    for path in Path("out").iterdir():
        path.unlink()
    edit("solver.prototxt", "snapshot: 5", "snapshot: 0")
    told = At(f"iteration {iteration}, test", number)
    with pytest.raises(Interrupted) as ended:
        train("solver.prototxt", log="b.csv", report=told)
    assert ended.value.signum == number
    state = f"out/net_iter_{iteration + 1}.solverstate"
    assert told.lines[-1] == f"stopped after {iteration + 1} iterations; resume with --snapshot {state}"
    assert {path.suffix for path in Path("out").iterdir()} == {".caffemodel", ".solverstate"}
    assert len(rows("b.csv")) == iteration + 2
    train("solver.prototxt", log="b.csv", snapshot=state, report=At("never"))
    assert Path("out/net_iter_30.caffemodel").read_bytes() == whole
    assert Path("a.csv").read_text() == Path("b.csv").read_text()
    assert Path("a.test.csv").read_text() == Path("b.test.csv").read_text()


@pytest.mark.slow
def test_a_signal_in_the_last_test_finds_everything_written(folder: Path) -> None:
    """The signal comes as the test begins; nobody waits for its end."""
    edit("solver.prototxt", "test_iter: 2", "test_iter: 100000")
    edit("solver.prototxt", "test_interval: 10", "test_interval: 30 test_initialization: false")
    timer = threading.Timer(1.5, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        train("solver.prototxt", report=At("never"))
    assert newest() == 30


@pytest.mark.slow
def test_a_signal_in_a_test_ends_it(folder: Path) -> None:
    edit("solver.prototxt", "test_iter: 2", "test_iter: 100000")
    told = At("never")
    timer = threading.Timer(1.5, os.kill, (os.getpid(), signal.SIGTERM))
    timer.start()
    with pytest.raises(Interrupted):
        train("solver.prototxt", report=told)
    assert told.lines == ["stopped after 0 iterations, none of them in this run: start it again"]


def test_a_second_signal_ends_it_at_once(folder: Path) -> None:
    with pytest.raises(Interrupted):
        train("solver.prototxt", report=At("iteration 10, test", signal.SIGINT, signal.SIGINT))
    assert newest() == 10


@pytest.mark.slow
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_the_verb_ends_as_is_usual(folder: Path, number: int, status: int) -> None:
    edit("solver.prototxt", "max_iter: 30", "max_iter: 1000000 display: 1000")
    edit("solver.prototxt", "test_interval: 10", "test_interval: 1000000")
    process = start("--solver", "solver.prototxt")
    while newest() == 0:
        time.sleep(0.01)
    time.sleep(2)
    process.send_signal(number)
    assert process.wait(30) == status
    *shown, last = (line for line in Path("stderr.txt").read_text().splitlines() if line)
    assert last == "protoface: interrupted"
    line = r"iteration \d+ of 1000000, loss [\d.e-]+, \d+ pictures/s, [\d:]+ left"
    assert shown
    assert all(re.fullmatch(line, text) for text in shown)


def test_a_second_training_with_the_same_snapshots_or_log_is_refused(folder: Path) -> None:
    """Two that share a folder alone do not disturb each other."""
    refused: list[str] = []

    def second(line: str) -> None:
        if ", test" in line and not refused:
            here = Path.cwd()
            edit("solver.prototxt", "net.prototxt", "./net.prototxt")
            for prefix, log in (("out/net", "other.csv"), ("out/other", "run.csv")):
                other = Path("solver.prototxt").read_text().replace("out/net", prefix)
                Path("other.prototxt").write_text(other)
                with pytest.raises(
                    ProtofaceError, match=rf"process {os.getpid()} on .* works here"
                ) as error:
                    train("other.prototxt", log=log, max_iter=1)
                refused.append(str(error.value))
            train("other.prototxt", log="more.csv", max_iter=2, report=At("never"))
            assert Path.cwd() == here

    train("solver.prototxt", log="run.csv", max_iter=6, report=second)
    assert ["/.net." in refused[0], ".run.csv." in refused[1]] == [True, True]
    assert Path("out/other_iter_2.caffemodel").exists()
    assert not list(Path().rglob("*.lock"))


def test_a_test_before_the_first_iteration_does_not_say_nan(folder: Path) -> None:
    """Twenty BatchNorms without statistics multiply by 316 each, as in Caffe."""
    layer = 'layer {{ name: "bn{}" type: "BatchNorm" bottom: "conv" top: "conv" }}'
    more = "".join(map(layer.format, range(20)))
    edit("net.prototxt", 'layer { name: "scale"', more + 'layer { name: "scale"')
    told = At("never")
    train("solver.prototxt", log="run.csv", max_iter=2, report=told)
    first = next(line for line in told.lines if ", test" in line)
    assert first.startswith("iteration 0, test: no figures yet, since BatchNorm has no statistics")
    assert not any("nan" in line for line in told.lines)
    assert rows("run.test.csv")[1][1] in ("nan", "inf")  # what Caffe would print


def start(*arguments: str) -> subprocess.Popen[bytes]:
    with open("stderr.txt", "wb") as file:
        return subprocess.Popen([*TRAIN, *arguments], stdout=subprocess.DEVNULL, stderr=file)


@pytest.mark.slow
def test_killed_20_times_at_random_moments(folder: Path) -> None:
    """kill -9 at any moment, also while writing a snapshot: the weights stay the same, bit for bit."""
    edit("solver.prototxt", "max_iter: 30", "max_iter: 3000")
    edit("solver.prototxt", "snapshot: 5", "snapshot: 3")
    edit("solver.prototxt", "test_interval: 10", "test_interval: 1000")
    killed = 0
    dice = random.Random(1)
    state: list[str] = []
    while killed < 20:
        process = start("--solver", "solver.prototxt", "--log", "killed.csv", *state)
        before = newest()
        while newest() == before and process.poll() is None:
            time.sleep(0.01)
        time.sleep(dice.uniform(0, 0.25))
        assert process.poll() is None, Path("stderr.txt").read_text()
        process.send_signal(signal.SIGKILL)
        process.wait()
        killed += 1
        assert newest() > before
        state = ["--snapshot", f"out/net_iter_{newest()}.solverstate"]
    last = newest() + 3
    edit("solver.prototxt", "max_iter: 3000", f"max_iter: {last}")
    assert start("--solver", "solver.prototxt", "--log", "killed.csv", *state).wait() == 0
    broken = Path(f"out/net_iter_{last}.caffemodel").read_bytes()
    assert start("--solver", "solver.prototxt", "--log", "whole.csv").wait() == 0
    assert Path(f"out/net_iter_{last}.caffemodel").read_bytes() == broken
    assert Path("killed.csv").read_text() == Path("whole.csv").read_text()


def newest() -> int:
    """The iteration of the newest solverstate that has its own name; 0 if there is none."""
    found = [int(path.stem.rpartition("_")[2]) for path in Path("out").glob("net_iter_*.solverstate")]
    return max(found, default=0)


def test_weights_to_start_from(folder: Path) -> None:
    first = train("solver.prototxt", max_iter=5)
    edit("net.prototxt", '"fc"', '"fc_new"')
    edit("solver.prototxt", "snapshot: 5", "snapshot: 0")
    lines: list[str] = []
    train("solver.prototxt", weights=first.weights, max_iter=0, report=lines.append)
    assert any("has no weights for fc_new: its fillers are used" in line for line in lines)
    before, after = (arrays_of(read_weights(f"out/net_iter_{n}.caffemodel"), "weights") for n in (5, 0))
    np.testing.assert_array_equal(before["conv.0"], after["conv.0"])
    assert not np.array_equal(before["fc.0"], after["fc_new.0"])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_weights_too_small_to_matter_start_from_zero(folder: Path, dtype: str) -> None:
    """They would cost time; in float64 they are as good as others, and a snapshot is what it was."""
    first = train("solver.prototxt", max_iter=5)
    net = read_weights(first.weights)
    conv = next(layer for layer in net.layer if layer.name == "conv")
    conv.blobs[0].data[:4] = [1e-39, -1e-21, 1e-19, 0.5]
    write_weights("tiny.caffemodel", net)
    edit("solver.prototxt", "snapshot: 5", "snapshot: 0")
    train("solver.prototxt", weights="tiny.caffemodel", max_iter=0, dtype=dtype)
    found = arrays_of(read_weights("out/net_iter_0.caffemodel"), "weights")["conv.0"].reshape(-1)
    expected = [0, 0, 1e-19, 0.5] if dtype == "float32" else [1e-39, -1e-21, 1e-19, 0.5]
    np.testing.assert_array_equal(found[:4], np.array(expected, np.float32))


def test_a_snapshot_keeps_every_bit_of_tiny_weights(folder: Path) -> None:
    first = train("solver.prototxt", max_iter=5)
    net = read_weights(first.weights)
    next(layer for layer in net.layer if layer.name == "conv").blobs[0].data[0] = 1e-39
    write_weights(first.weights, net)
    trainer = Trainer(read_solver("solver.prototxt"), "solver.prototxt", 3, torch.device("cpu"))
    trainer.restore(Path("out/net_iter_5.solverstate"))
    assert arrays_of(trainer.weights(), "net")["conv.0"].reshape(-1)[0] == np.float32(1e-39)


def test_weights_and_snapshot_at_once(folder: Path) -> None:
    with pytest.raises(ProtofaceError, match="not both"):
        train("solver.prototxt", weights="a.caffemodel", snapshot="a.solverstate")


def test_a_loss_that_is_not_finite_stops_it(folder: Path) -> None:
    edit("solver.prototxt", "base_lr: 0.001", "base_lr: 0.001 clip_gradients: -1")
    train("solver.prototxt", max_iter=5)
    kept = Path("out/net_iter_5.caffemodel").read_bytes()
    edit("solver.prototxt", 'lr_policy: "multistep"', 'lr_policy: "exp"')
    edit("solver.prototxt", "gamma: 0.1", "gamma: 1e9")
    message = r"loss is (nan|inf) in iteration \d+; .*snapshot"
    with pytest.raises(ProtofaceError, match=message):
        train("solver.prototxt", snapshot="out/net_iter_5.solverstate", log="nan.csv")
    assert Path("out/net_iter_5.caffemodel").read_bytes() == kept
    for path in Path("out").glob("*.caffemodel"):
        for array in arrays_of(read_weights(path), str(path)).values():
            assert np.isfinite(array).all()


@pytest.mark.slow
def test_disk_full_keeps_what_is_there(folder: Path) -> None:
    """A limit on the size of files stands for the full disk: the system refuses in the same way."""
    assert start("--solver", "solver.prototxt", "--max-iter", "5", "--log", "full.csv").wait() == 0
    before = {path: path.read_bytes() for path in Path("out").iterdir()}

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (6000, 6000))

    state = ["--snapshot", "out/net_iter_5.solverstate"]
    done = subprocess.run(
        [*TRAIN, "--solver", "solver.prototxt", *state, "--log", "full.csv"],
        preexec_fn=limit,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    message = done.stderr.strip().splitlines()[-1]
    assert "out/net_iter_10.caffemodel: cannot be written: File too large" in message
    assert {path: path.read_bytes() for path in Path("out").iterdir()} == before


@pytest.mark.parametrize(
    ("path", "old", "new", "message"),
    [
        ("solver.prototxt", 'net: "net.prototxt"', "", r"solver.prototxt: needs exactly one of net, "),
        ("solver.prototxt", '"Adam"', '"Adamax"', r"unknown solver type 'Adamax'; known: SGD, "),
        ("solver.prototxt", '"multistep"', '"cosine"', r"unknown lr_policy 'cosine'; known: fixed, "),
        ("solver.prototxt", "iter_size", "iter_sise", r"solver.prototxt: line \d+: .*iter_sise"),
        ("solver.prototxt", "net.prototxt", "no.prototxt", r"no.prototxt: No such file"),
        (
            "solver.prototxt",
            "test_iter: 2",
            "test_iter: 2 test_iter: 3 test_interval: 0",
            "test_interval",
        ),
        ("solver.prototxt", '"Adam"', '"AdaGrad"', "momentum is set, but Caffe's AdaGrad has none"),
        (
            "solver.prototxt",
            "iter_size",
            "snapshot_diff: true iter_size",
            "snapshot_diff is not supported",
        ),
        ("net.prototxt", '"scale" type', '"scale" propagate_down: false type', "propagate_down: false"),
        ("list.txt", "3.png ", "3.png 0.5 ", r"list.txt: line 4: 5 labels, expected 4"),
        ("list.txt", "3.png ", "3.png 0.5x ", r"picture pictures/3.png 0.5x is missing"),
        ("list.txt", "3.png ", "3.png nan ", r"list.txt: line 4: 5 labels"),
        ("list.txt", "3.png", "33.png", r"picture pictures/33.png is missing"),
        ("net.prototxt", "num_output: 4", "num_output: 5", r"layer 'loss' .*differ in size"),
        ("net.prototxt", "EuclideanLoss", "HingeLoss", "cannot be trained"),
        ("net.prototxt", "crop_size: 22", "crop_size: 25", "crop_size 25 is larger"),
        ("net.prototxt", "new_width: 24", "", "go together"),
    ],
)
def test_bad_files(folder: Path, path: str, old: str, new: str, message: str) -> None:
    edit(path, old, new)
    with pytest.raises(ProtofaceError, match=message):
        train("solver.prototxt", max_iter=1)
    assert not Path("out").exists()


def test_a_line_with_too_few_numbers(folder: Path) -> None:
    lines = Path("list.txt").read_text().splitlines()
    lines[6] = lines[6].rpartition(" ")[0]
    Path("list.txt").write_text("\n".join(lines))
    with pytest.raises(ProtofaceError, match=r"list.txt: line 7: 3 labels, expected 4"):
        train("solver.prototxt")


def test_a_picture_that_cannot_be_decoded(folder: Path) -> None:
    Path("pictures/4.png").write_bytes(b"not a picture")
    with pytest.raises(ProtofaceError, match=r"pictures/4.png cannot be decoded"):
        train("solver.prototxt")


def test_a_snapshot_of_another_net(folder: Path) -> None:
    train("solver.prototxt", max_iter=5)
    edit("net.prototxt", "num_output: 6", "num_output: 7")
    with pytest.raises(ProtofaceError, match=r"'conv', blob 0: shape \[6, 3, 3, 3\].*another net"):
        train("solver.prototxt", snapshot="out/net_iter_5.solverstate")


def test_a_snapshot_of_another_solver(folder: Path) -> None:
    train("solver.prototxt", max_iter=5)
    edit("solver.prototxt", '"Adam"', '"SGD"')
    with pytest.raises(ProtofaceError, match="SGD on this net needs"):
        train("solver.prototxt", snapshot="out/net_iter_5.solverstate")
