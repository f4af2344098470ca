"""HDF5Data: several files, any shapes, bad files; a whole training from it is in test_parity.py."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
import torch

from protoface.converters import ProtofaceError, caffe_pb2
from protoface.converters.prototxt import parse_message
from protoface.trainers.data.batches import Batches
from protoface.trainers.data.columns import Columns
from protoface.trainers.data.hdf5_data import read_hdf5_data

LAYER = 'name: "d" type: "HDF5Data" top: "data" top: "label" hdf5_data_param { source: "list.txt" }'


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name, rows in (("a.h5", 3), ("b.h5", 2)):
        with h5py.File(name, "w") as file:
            file["data"] = np.arange(rows * 24, dtype=np.float64).reshape(rows, 2, 3, 4) / 7
            file["label"] = np.arange(rows)
    Path("list.txt").write_text("a.h5\n\nb.h5\n")
    return tmp_path


def read(text: str = LAYER, dtype: torch.dtype = torch.float64) -> Columns:
    return read_hdf5_data(parse_message(text, caffe_pb2.LayerParameter(), "layer"), dtype)


def test_files_one_behind_the_other(files: Path) -> None:
    columns = read()
    assert columns.shapes == ((2, 3, 4), ())
    assert columns.tensors[1].tolist() == [0, 1, 2, 0, 1]
    with h5py.File("a.h5") as file:
        np.testing.assert_array_equal(columns.tensors[0][:3].numpy(), file["data"][()])
    batches = Batches("d", columns, 5, False, 0, torch.device("cpu"), torch.float64)
    assert batches.next()[0].is_contiguous(memory_format=torch.channels_last)
    assert read(dtype=torch.float32).tensors[0].dtype == torch.float32


@pytest.mark.parametrize(
    ("break_it", "message"),
    [
        (lambda: Path("list.txt").write_text("c.h5"), "c.h5: No such file"),
        (lambda: Path("list.txt").write_text("\n"), "list.txt: names no files"),
        (lambda: Path("a.h5").write_bytes(b"no"), "a.h5: not a readable HDF5 file"),
        (lambda: h5py.File("a.h5", "w").close(), "a.h5: has no data set 'data'"),
    ],
)
def test_bad_files(files: Path, break_it: object, message: str) -> None:
    assert callable(break_it)
    break_it()
    with pytest.raises(ProtofaceError, match=message):
        read()


@pytest.mark.parametrize(
    ("shape", "labels", "message"),
    [((2, 5), 2, "b.h5: 'data' has rows"), ((2, 2, 3, 4), 3, "differ in the number of rows")],
)
def test_shapes_that_do_not_fit(files: Path, shape: tuple[int, ...], labels: int, message: str) -> None:
    with h5py.File("b.h5", "w") as file:
        file["data"], file["label"] = np.zeros(shape), np.zeros(labels)
    with pytest.raises(ProtofaceError, match=message):
        read()


def test_no_transforms(files: Path) -> None:
    with pytest.raises(ProtofaceError, match="takes no transform_param"):
        read(LAYER + " transform_param { scale: 2 }")


def test_values_of_another_file(files: Path) -> None:
    """Training data too is what its own file holds."""
    with h5py.File("c.h5", "w") as file:
        file["data"], file["label"] = np.zeros((5, 2, 3, 4)), np.zeros(5)
    with h5py.File("b.h5", "w") as file:
        file["data"], file["label"] = h5py.ExternalLink("c.h5", "/data"), np.zeros(5)
    with pytest.raises(ProtofaceError, match=r"b.h5: / holds a link, which may lead into another file"):
        read()
    with h5py.File("b.h5", "w") as file:
        file.create_dataset("data", (1, 2, 3, 4), "f4", external=[("c.h5", 0, 96)])
        file["label"] = np.zeros(1)
    with pytest.raises(ProtofaceError, match=r"b.h5: /data lies in another file"):
        read()
    with h5py.File("b.h5", "w") as file:
        file.create_dataset("data", (1 << 30, 2, 3, 4), "f4", chunks=(64, 2, 3, 4))
        file["label"] = np.zeros(1)
    with pytest.raises(ProtofaceError, match=r"b.h5: /data of shape .* is not in the file"):
        read()


def test_a_list_that_is_no_text(files: Path) -> None:
    Path("list.txt").write_bytes(b"\xff")
    with pytest.raises(ProtofaceError, match=r"list.txt: not a text file"):
        read()
