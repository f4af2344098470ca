"""HDF5Data: blobs of any shape out of HDF5 files, one data set a top.

Source: Caffe, src/caffe/layers/hdf5_data_layer.cpp.
"""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import torch

from protoface.cascade.lists import read_lines
from protoface.converters import ProtofaceError
from protoface.converters.blobs import Array
from protoface.converters.hdf5 import open_hdf5, read_arrays

from .columns import Columns, LayerParameter


def read_hdf5_data(layer: LayerParameter, dtype: torch.dtype) -> Columns:
    """The rows of all files that the layer's `source` lists, one file a line, data sets named as tops.

    Raises ProtofaceError naming the file for a missing one, and for data sets that do not fit.
    """
    source = layer.hdf5_data_param.source
    if layer.HasField("transform_param"):
        raise ProtofaceError("HDF5Data takes no transform_param; transform what is in the files")
    files = [line.strip() for line in read_lines(source) if line.strip()]
    if not files:
        raise ProtofaceError(f"{source}: names no files")
    kind = np.float64 if dtype == torch.float64 else np.float32
    parts = [_read_file(path, list(layer.top), kind) for path in files]
    for path, part in zip(files, parts, strict=True):
        for name, array, first in zip(layer.top, part, parts[0], strict=True):
            if array.shape[1:] != first.shape[1:]:
                raise ProtofaceError(
                    f"{path}: '{name}' has rows of shape {list(array.shape[1:])}, "
                    f"{files[0]} has {list(first.shape[1:])}"
                )
    columns = tuple(torch.from_numpy(np.concatenate(arrays)) for arrays in zip(*parts, strict=True))
    return Columns(columns, tuple(tuple(column.shape[1:]) for column in columns), lambda rows: rows)


def _read_file(path: str, names: list[str], kind: type[np.floating]) -> list[Array]:
    if not Path(path).is_file():
        raise ProtofaceError(f"{path}: No such file or directory")
    if not h5py.is_hdf5(path):
        raise ProtofaceError(f"{path}: not a readable HDF5 file")
    with open_hdf5(path) as items:
        missing = [name for name in names if name not in items]
        if missing:
            raise ProtofaceError(f"{path}: has no data set '{missing[0]}'; it has {list(items)[1:9]}")
        found = read_arrays(path, {name: items[name] for name in names}, "fiu")
        arrays = [np.asarray(found[name], kind) for name in names]
    if any(array.ndim < 1 or len(array) != len(arrays[0]) for array in arrays):
        raise ProtofaceError(f"{path}: its data sets differ in the number of rows")
    return arrays
