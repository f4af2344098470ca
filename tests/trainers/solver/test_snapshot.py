"""Snapshots as Caffe reads and writes them."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
import torch

from protoface.converters import ProtofaceError, caffe_pb2, read_weights
from protoface.trainers.solver.snapshot import EXTENSION_FIELD, read_state
from protoface.trainers.solver.solver_file import read_solver
from protoface.trainers.solver.solver_trainer import Trainer
from protoface.trainers.solver.train import train

from .small_run import edit


def test_a_state_is_caffes_message_with_one_unknown_field(folder: Path) -> None:
    """Read by the schema of BVLC Caffe alone, as Caffe itself reads it."""
    done = train("solver.prototxt", max_iter=13)
    assert done.state is not None
    message = caffe_pb2.SolverState.FromString(done.state.read_bytes())
    message.DiscardUnknownFields()
    assert (message.iter, message.current_step) == (13, 1)
    assert message.learned_net == "out/net_iter_13.caffemodel"
    assert len(message.history) == 16  # Adam: m of all 8 blobs, then v
    assert list(message.history[0].shape.dim) == [6, 3, 3, 3]
    assert len(message.SerializeToString()) < len(done.state.read_bytes())
    assert EXTENSION_FIELD not in {f.number for f in message.DESCRIPTOR.fields}
    extension = read_state(done.state).extension
    assert extension is not None
    assert extension["train"] == {"data": 13 * 2 * 5}


def test_the_embedded_net_has_caffes_splits(folder: Path) -> None:
    text = Path("net.prototxt").read_text()
    again = 'layer { name: "again" type: "EuclideanLoss" bottom: "fc" bottom: "label" top: "again" }'
    Path("net.prototxt").write_text(text + again)
    done = train("solver.prototxt", max_iter=1)
    assert done.weights is not None
    net = read_weights(done.weights)
    assert [layer.name for layer in net.layer if layer.type == "Split"] == [
        "label_data_1_split",
        "fc_fc_0_split",
    ]
    assert all(layer.phase == caffe_pb2.TRAIN for layer in net.layer)


def test_hdf5_has_caffes_layout(folder: Path) -> None:
    edit("solver.prototxt", "snapshot: 5", "snapshot: 5 snapshot_format: HDF5")
    train("solver.prototxt", max_iter=5)
    with h5py.File("out/net_iter_5.solverstate.h5") as file:
        assert int(file["iter"][0]) == 5
        assert file["learned_net"][()] == b"out/net_iter_5.caffemodel.h5"
        assert int(file["current_step"][0]) == 0
        assert file["history"]["0"].shape == (6, 3, 3, 3)
        assert len(file["history"]) == 16
    with h5py.File("out/net_iter_5.caffemodel.h5") as file:
        assert file["data"]["fc"]["1"].shape == (4,)


@pytest.mark.parametrize("double", [False, True])
def test_going_on_from_caffes_own_state(folder: Path, double: bool) -> None:
    """Without our part of it: the same data, weights and history; the position is reckoned."""
    edit("net.prototxt", "mirror: true crop_size: 22", "")
    edit("net.prototxt", "dropout_ratio: 0.3", "dropout_ratio: 0")
    dtype = "float64" if double else "float32"
    train("solver.prototxt", max_iter=10, dtype=dtype)
    whole = Path("out/net_iter_10.caffemodel").read_bytes()
    path = Path("out/net_iter_5.solverstate")
    message = caffe_pb2.SolverState.FromString(path.read_bytes())
    message.DiscardUnknownFields()
    path.write_bytes(message.SerializeToString())
    train("solver.prototxt", max_iter=10, dtype=dtype, snapshot=path)
    assert Path("out/net_iter_10.caffemodel").read_bytes() == whole


def test_a_snapshot_never_holds_what_is_not_finite(folder: Path) -> None:
    trainer = Trainer(read_solver("solver.prototxt"), "solver", 1, torch.device("cpu"))
    with torch.no_grad():
        trainer.parameters.values[3] = np.inf
    with pytest.raises(
        ProtofaceError, match="net_iter_0.solverstate: not written: weights are not fin"
    ):
        trainer.snapshot()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.solverstate", b"\xff\xff", "not a .solverstate, or a truncated one"),
        ("a.solverstate", b"", "the file is empty"),
        ("a.txt", b"1", "unknown suffix"),
        ("a.solverstate.h5", b"1", "not an HDF5 file"),
        ("a.solverstate", b"\xc2\x3e\x01{", "protoface's part of it is damaged"),
        ("a.solverstate", b"\xc2\x3e\x011", "protoface's part of it is damaged"),
    ],
)
def test_bad_states(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ProtofaceError, match=message):
        read_state(tmp_path / name)


@pytest.mark.parametrize(("name", "value"), [("iter", []), ("iter", b"x"), ("learned_net", b"\xff")])
def test_bad_values_in_hdf5(tmp_path: Path, name: str, value: object) -> None:
    path = tmp_path / "a.solverstate.h5"
    with h5py.File(path, "w") as file:
        file.create_group("history")
        for key, good in (("iter", [3]), ("current_step", [0]), ("learned_net", b"net.caffemodel")):
            file[key] = value if key == name else good
    with pytest.raises(ProtofaceError, match=r"a.solverstate.h5: not a solver state in HDF5"):
        read_state(path)


def test_weights_that_are_gone(folder: Path) -> None:
    train("solver.prototxt", max_iter=5)
    Path("out/net_iter_5.caffemodel").unlink()
    with pytest.raises(ProtofaceError, match=r"its weights 'out/net_iter_5.caffemodel' are missing"):
        train("solver.prototxt", snapshot="out/net_iter_5.solverstate")


def test_another_seed(folder: Path) -> None:
    train("solver.prototxt", max_iter=5)
    with pytest.raises(ProtofaceError, match="was trained with seed 3, not 4; leave --seed out"):
        train("solver.prototxt", snapshot="out/net_iter_5.solverstate", seed=4)
