"""Snapshots: the weights, and Caffe's SolverState extended by what Caffe does not save.

Both are written to a temporary name and renamed, weights first: whenever the process dies, the newest
`.solverstate` is whole and so are the weights that it names.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from google.protobuf.message import DecodeError
from google.protobuf.unknown_fields import UnknownFieldSet

from protoface.converters import ProtofaceError, caffe_pb2
from protoface.converters.blobs import Array, bytes_field, to_array, to_blob
from protoface.converters.files import PathLike, read_bytes, replacing
from protoface.converters.graph import Net, insert_splits
from protoface.converters.hdf5 import Items, open_hdf5, read_arrays, writing_hdf5
from protoface.converters.weights import CAFFEMODEL, HDF5, write_weights

STATE, STATE_HDF5 = ".solverstate", ".solverstate.h5"
# Field of SolverState that only protoface knows: JSON. Caffe's own parser skips unknown fields.
EXTENSION_FIELD = 1000
EXTENSION = "protoface"  # the same in HDF5: a data set that Caffe does not ask for

Solver = caffe_pb2.SolverParameter


@dataclass(frozen=True)
class State:
    """What a solver needs to resume: Caffe's SolverState and, unless Caffe wrote it, an extension.

    `iteration` counts the updates made; `history` is in Caffe's order; `extension` holds the seed, each
    rank's random state and the position in the data.
    """

    iteration: int
    current_step: int
    learned_net: str
    history: Sequence[Array]
    extension: dict[str, Any] | None


def snapshot_paths(solver: Solver, iteration: int) -> tuple[Path, Path]:
    """`<snapshot_prefix>_iter_<N>.caffemodel` and `.solverstate`, with `.h5` behind for HDF5."""
    stem = f"{solver.snapshot_prefix}_iter_{iteration}"
    if solver.snapshot_format == Solver.HDF5:
        return Path(stem + HDF5), Path(stem + STATE_HDF5)
    return Path(stem + CAFFEMODEL), Path(stem + STATE)


def weights_beside(state: Path) -> Path:
    """The weights that were written with a state."""
    stem, _, end = state.name.rpartition(STATE)
    return state.with_name(f"{stem}{CAFFEMODEL}{end}")


def write_snapshot(weights: Path, state_path: Path, net: Net, state: State) -> None:
    """Write a net that holds its weights, as Caffe saves it, and the state of its solver.

    Raises ProtofaceError if one cannot be written (disk full); what was there before is still there.
    """
    path = weights
    try:
        write_weights(weights, insert_splits(net))
        path = state_path
        write_state(state_path, state)
    except OSError as error:
        raise ProtofaceError(f"{path}: cannot be written: {error.strerror or error}") from error


def write_state(path: PathLike, state: State) -> None:
    """Write `.solverstate` or `.solverstate.h5`, whole or not at all."""
    with replacing(path) as temporary:
        if os.fspath(path).endswith(STATE_HDF5):
            _write_hdf5(temporary, state)
        else:
            temporary.write_bytes(_message(state).SerializeToString())


def read_state(path: PathLike) -> State:
    """Read a solver's state, Caffe's or ours. Raises ProtofaceError naming the file."""
    name = os.fspath(path)
    if name.endswith(STATE_HDF5):
        return _read_hdf5(name)
    if not name.endswith(STATE):
        raise ProtofaceError(f"{name}: unknown suffix; snapshots are {STATE} or {STATE_HDF5}")
    message = caffe_pb2.SolverState()
    try:
        message.ParseFromString(read_bytes(name))
    except DecodeError as error:
        raise ProtofaceError(f"{name}: not a {STATE}, or a truncated one") from error
    unknown = UnknownFieldSet(message)
    fields = [unknown[index] for index in range(len(unknown))]
    extensions = [field.data for field in fields if field.field_number == EXTENSION_FIELD]
    history = [to_array(blob, f"{name}: history {i}") for i, blob in enumerate(message.history)]
    extension = _parsed(extensions[-1], name) if extensions else None
    return State(message.iter, message.current_step, message.learned_net, history, extension)


def _message(state: State) -> caffe_pb2.SolverState:
    message = caffe_pb2.SolverState(
        iter=state.iteration, learned_net=state.learned_net, current_step=state.current_step
    )
    message.history.extend(to_blob(array) for array in state.history)
    if state.extension is not None:
        content = json.dumps(state.extension).encode()
        message.MergeFromString(bytes_field(EXTENSION_FIELD, content))
    return message


def _write_hdf5(path: Path, state: State) -> None:
    """Source: Caffe, sgd_solver.cpp, SnapshotSolverStateToHDF5."""
    with writing_hdf5(path) as file:
        file["iter"] = np.array([state.iteration], np.int32)
        file["learned_net"] = np.bytes_(state.learned_net.encode())
        file["current_step"] = np.array([state.current_step], np.int32)
        history = file.create_group("history")
        for index, array in enumerate(state.history):
            history.create_dataset(str(index), data=array)
        if state.extension is not None:
            file[EXTENSION] = np.bytes_(json.dumps(state.extension).encode())


def _read_hdf5(path: str) -> State:
    with open_hdf5(path) as items:
        try:
            history = [f"history/{index}" for index in range(len(items["history"]))]
            arrays = read_arrays(path, {name: items[name] for name in history}).values()
            numbers = [int(_values(path, items, name, "iu")[0]) for name in ("iter", "current_step")]
            learned_net = _values(path, items, "learned_net", "S")[0].decode()
            content = _values(path, items, EXTENSION, "S")[0] if EXTENSION in items else None
        except (LookupError, ValueError) as error:
            reason = str(error).removeprefix(f"{path}: ")
            raise ProtofaceError(f"{path}: not a solver state in HDF5 ({reason})") from error
    extension = None if content is None else _parsed(content, path)
    return State(numbers[0], numbers[1], learned_net, list(arrays), extension)


def _values(path: str, items: Items, name: str, kinds: str) -> list[Any]:
    """The numbers of a data set, or its texts, as Python's."""
    return np.ravel(read_arrays(path, {name: items[name]}, kinds)[name]).tolist()


def _parsed(content: bytes, path: str) -> dict[str, Any]:
    try:
        extension = json.loads(content)
    except ValueError as error:
        raise ProtofaceError(f"{path}: protoface's part of it is damaged ({error})") from error
    if not isinstance(extension, dict):
        raise ProtofaceError(f"{path}: protoface's part of it is damaged")
    return extension
