"""Training in float64 against Caffe's own solver, run in double precision.

Always against the runs in `caffe_runs/`, against the whole records where the reference data is at hand.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import h5py
import numpy as np
import pytest
import torch
from numpy.lib.npyio import NpzFile
from numpy.typing import NDArray

from protoface.converters import read_net
from protoface.converters.graph import Net
from protoface.trainers.solver.solver_file import Solver, read_solver
from protoface.trainers.solver.solver_trainer import Trainer

from .shrink_caffe_runs import COMMITTED, LARGE, RUNS, kept, large_sums, shrunk

ROOT = Path(__file__).parents[3]
Array = NDArray[Any]
CPU = torch.device("cpu")
# conv1's bias stands before a BatchNorm: its true gradient is 0, and Caffe's rounding noise of 1e-16,
# divided by delta = 1e-8, moved it by 5e-9 in the AdaGrad run. The mean in BatchNorm moves along, and
# the sum of 12 such means by 3.7e-8; the mean itself, sum / factor, by 4e-9.
MOVED_BY_NOISE = ("conv1.1", "bn1.0")


class Reference:
    """One recorded run: flat rows of parameters, cut by name."""

    def __init__(self, data: NpzFile, names: str = "param_names", shapes: str = "param_shapes") -> None:
        self.data = data
        # "conv1/0" there is "conv1.0" here: the last slash parts layer and blob
        self.keys = [".".join(name.rsplit("/", 1)) for name in data[names]]
        self.shapes = [tuple(json.loads(shape)) for shape in data[shapes]]

    def arrays(self, row: Array) -> dict[str, Array]:
        sizes = [int(np.prod(shape)) for shape in self.shapes]
        parts = np.split(row, np.cumsum(sizes)[:-1])
        return {
            key: part.reshape(shape)
            for key, part, shape in zip(self.keys, parts, self.shapes, strict=True)
        }

    def weights(self, trainer: Trainer) -> Array:
        arrays = trainer.parameters.arrays(trainer.parameters.values)
        assert list(arrays) == self.keys
        return np.concatenate([array.ravel() for array in arrays.values()])


def statistics_divided(arrays: dict[str, Array]) -> dict[str, Array]:
    """The blobs of small.prototxt, BatchNorm's sums divided by their factor, as the net uses them."""
    divided = {key: arrays[key] / arrays["bn1.2"] for key in ("bn1.0", "bn1.1")}
    return {**arrays, **divided}


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> NpzFile:
    """The committed record; the working directory has the pictures and files of its runs."""
    monkeypatch.chdir(tmp_path)
    record = np.load(COMMITTED / "runs.npz")
    for path in COMMITTED.glob("*.prototxt"):
        shutil.copy(path, tmp_path)
    Path("images").mkdir()
    lines = []
    for number, (picture, label) in enumerate(zip(record["pictures"], record["labels"], strict=True)):
        cv2.imwrite(f"images/{number:03}.png", picture)
        lines.append(f"{number:03}.png {' '.join(map(str, label))}\n")
    Path("list.txt").write_text("".join(lines))
    return record


@pytest.mark.parametrize("name", RUNS)
def test_every_solver(small: NpzFile, name: str) -> None:
    reference = Reference(small, "names", "shapes")
    trainer = Trainer(read_solver(f"{name}.solver.prototxt"), name, 11, CPU, torch.float64)
    trainer.load_arrays(reference.arrays(small["start"]))
    rows = iter(zip(small[f"{name}/params"], small[f"{name}/sums"], strict=True))
    loss = []
    for iteration in range(1, 13):
        loss.append(float(trainer.step()) / 2)  # small.prototxt has loss_weight 2
        if iteration in small["iterations"]:
            own = reference.weights(trainer)
            params, sums = next(rows)
            # noise, see MOVED_BY_NOISE
            bound = 4e-8 if name == "adagrad_step_l1" else 2e-9
            np.testing.assert_allclose(own[small["kept"]], params, rtol=0, atol=bound)
            own_sums = large_sums(own[None], list(small["names"]), reference.shapes)[0]
            np.testing.assert_allclose(own_sums, sums, rtol=0, atol=bound)
    assert next(rows, None) is None
    if trainer.solver.iter_size == 1:  # the record holds the last part's loss only
        np.testing.assert_allclose(loss, small[f"{name}/loss"], rtol=1e-9)


def test_the_committed_record_is_that_of_caffe(shared: Path) -> None:
    expected = shrunk(shared / "caffe_reference" / "solvers")
    with np.load(COMMITTED / "runs.npz") as record:
        assert set(record) == set(expected)
        for key in record:
            np.testing.assert_array_equal(record[key], expected[key])
    for path in COMMITTED.glob("*.prototxt"):
        assert path.read_bytes() == (shared / "caffe_reference" / "solvers" / path.name).read_bytes()


def test_every_parameter_is_in_the_committed_record() -> None:
    with np.load(COMMITTED / "runs.npz") as record:
        reference = Reference(record, "names", "shapes")
        sizes = [int(np.prod(shape)) for shape in reference.shapes]
        assert len(record["start"]) == sum(sizes)
        assert len(record["kept"]) == sum(sizes) - 24 * sizes[list(record["names"]).index(LARGE)] // 25
        np.testing.assert_array_equal(record["kept"], kept(list(record["names"]), reference.shapes))
        assert record["adam_poly/sums"].shape == (len(record["iterations"]), 10)


@pytest.mark.parametrize("name", RUNS)
def test_every_solver_step_by_step(shared: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = shared / "caffe_reference" / "solvers"
    monkeypatch.chdir(folder)  # paths in the files are relative to the working directory
    reference = Reference(np.load(folder / f"{name}.npz"))
    solver = read_solver(f"{name}.solver.prototxt")
    trainer = Trainer(solver, name, 11, CPU, torch.float64)
    trainer.load_arrays(reference.arrays(reference.data["params"][0]))
    multipliers = [reference.data["lr_mult"], reference.data["decay_mult"]]
    spread = [
        np.repeat(row, [int(np.prod(shape)) for shape in reference.shapes]) for row in multipliers
    ]
    for own, expected in zip(
        (trainer.parameters.lr_mult, trainer.parameters.decay_mult), spread, strict=True
    ):
        np.testing.assert_array_equal(own.numpy(), expected)
    loss = []
    for expected in reference.data["params"][1:]:
        loss.append(float(trainer.step()) / 2)  # small.prototxt has loss_weight 2
        own = trainer.parameters.arrays(trainer.parameters.values)
        for key, values in statistics_divided(reference.arrays(expected)).items():
            np.testing.assert_allclose(statistics_divided(own)[key], values, rtol=0, atol=1e-8)
            if name != "adagrad_step_l1" or key not in MOVED_BY_NOISE:
                np.testing.assert_allclose(own[key], reference.arrays(expected)[key], atol=2e-9)
    if solver.iter_size == 1:  # the record holds the last part's loss only
        np.testing.assert_allclose(loss, reference.data["loss"], rtol=1e-9)


def level_1(folder: Path, reference: Reference, run: str) -> Solver:
    """Level 1's solver on the recorded data, without dropout and shuffling; run B drops earlier."""
    with h5py.File(folder / "data.h5", "w") as file:
        file["data"] = reference.data["data"].reshape(64, 3, 48, 48)
        file["label"] = reference.data["label"].reshape(64, 10)
    (folder / "list.txt").write_text(f"{folder / 'data.h5'}\n")
    net = Net()
    net.CopyFrom(read_net(ROOT / "prototxt" / "level_1" / "train_val.prototxt"))
    for layer in net.layer:
        if layer.type == "ImageData":
            layer.type = "HDF5Data"
            layer.hdf5_data_param.source = str(folder / "list.txt")
            layer.hdf5_data_param.batch_size = 32
            layer.ClearField("image_data_param")
            layer.ClearField("transform_param")
        if layer.type == "Dropout":
            layer.dropout_param.dropout_ratio = 0
    solver = read_solver(ROOT / "prototxt" / "level_1" / "solver.prototxt")
    solver.ClearField("net")
    solver.net_param.CopyFrom(net)
    del solver.test_iter[:]
    solver.test_iter.append(2)
    if run == "B":
        del solver.stepvalue[:]
        solver.stepvalue.extend([8, 14])
    return solver


@pytest.fixture
def level_1_trainer(shared: Path, tmp_path: Path) -> Callable[[str], tuple[Reference, Trainer]]:
    def make(run: str) -> tuple[Reference, Trainer]:
        reference = Reference(np.load(shared / "caffe_reference" / f"train_level_1_run{run}_f64.npz"))
        trainer = Trainer(level_1(tmp_path, reference, run), "level_1", 1, CPU, torch.float64)
        trainer.load_arrays(reference.arrays(reference.data["params"][0]))
        return reference, trainer

    return make


def train(reference: Reference, trainer: Trainer, iterations: int) -> None:
    """Train and compare every loss, and the weights wherever they are recorded."""
    rows = {count: row for row, count in enumerate(reference.data["iterations"])}
    for iteration in range(iterations):
        loss = float(trainer.step()) / 100
        np.testing.assert_allclose(loss, reference.data["loss"][iteration], rtol=1e-9)
        if iteration + 1 in rows:
            expected = reference.data["params"][rows[iteration + 1]]
            np.testing.assert_allclose(reference.weights(trainer), expected, rtol=0, atol=1e-8)


def test_level_1_for_an_iteration(level_1_trainer) -> None:
    train(*level_1_trainer("A"), iterations=1)


@pytest.mark.slow
@pytest.mark.parametrize("run", ["A", "B"])
def test_level_1_for_20_iterations(level_1_trainer, run: str) -> None:
    reference, trainer = level_1_trainer(run)
    train(reference, trainer, iterations=20)
    data = reference.data
    phase = trainer.tests[0]
    with torch.no_grad():
        blobs = [phase.net.blobs(*phase.feed()) for _ in range(2)]
    fc2 = np.concatenate([blob["fc2"].numpy() for blob in blobs])
    np.testing.assert_allclose(fc2, data["test_fc2"], rtol=0, atol=1e-8)
    np.testing.assert_allclose([float(b["loss"]) for b in blobs], data["test_loss"], rtol=1e-8)
    assert trainer.test()[0]["loss"] == pytest.approx(data["test_loss"].mean(), rel=1e-8)
