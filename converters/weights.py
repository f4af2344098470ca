"""Weights of a net: read and written as .caffemodel, .caffemodel.h5 and .pt, and matched by name.

A NetParameter whose layers hold blobs is the hub: every format is read into one and written from one.
"""

from __future__ import annotations

import math
import os
import warnings
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import h5py
import numpy as np
from google.protobuf.message import DecodeError

from .blobs import Array, Shape, to_array, to_blob
from .errors import ProtofaceError
from .files import read_bytes, replacing
from .graph import Graph, Net, build_graph
from .upgrade import upgrade

PathLike = str | os.PathLike[str]
CAFFEMODEL, HDF5, PYTORCH = ".caffemodel", ".caffemodel.h5", ".pt"


def weights_format(path: PathLike) -> str:
    """Which of the three formats a file has, by its suffix. Raises ProtofaceError for another one."""
    name = Path(path).name.lower()
    for suffix in (CAFFEMODEL, HDF5, ".h5", PYTORCH):
        if name.endswith(suffix):
            return HDF5 if suffix == ".h5" else suffix
    raise ProtofaceError(f"{path}: unknown suffix; weights are {CAFFEMODEL}, {HDF5} or {PYTORCH}")


def read_weights(path: PathLike) -> Net:
    """The weights file as a net of named layers with blobs (from .h5 and .pt: names and blobs only).

    float64 stays float64. Raises ProtofaceError naming the file for a missing, truncated, foreign or
    empty one.
    """
    net = _READERS[weights_format(path)](path)
    if not any(layer.blobs for layer in net.layer):
        raise ProtofaceError(f"{path}: holds no weights")
    return net


def write_weights(path: PathLike, net: Net) -> None:
    """Write a net that holds its weights, in the format of the suffix, whole or not at all."""
    write = _WRITERS[weights_format(path)]
    with replacing(path) as temporary:
        write(temporary, net)


def arrays_of(net: Net, source: str) -> dict[str, Array]:
    """All blobs of a net, `<layer>.<index>` -> array, in the order of the layers."""
    return {
        f"{layer.name}.{index}": to_array(blob, f"{source}: layer '{layer.name}', blob {index}")
        for layer in net.layer
        for index, blob in enumerate(layer.blobs)
    }


def weights_of(net: Net, graph: Graph, source: str) -> dict[str, Array]:
    """The arrays that `graph` needs, in the shapes that it declares, from a net that holds them.

    Layers of the net that the graph lacks are passed over, as Caffe does; a layer without its blobs is
    an error naming the layer, and so is a blob of another shape (with both shapes).
    """
    present = {layer.name: layer for layer in net.layer if layer.blobs}
    found: dict[str, Array] = {}
    for node in graph.nodes:
        own = [i for i, key in enumerate(node.keys) if key == f"{node.name}.{i}"]
        if not own:
            continue
        layer = present.get(node.name)
        if layer is None:
            raise ProtofaceError(f"{source}: has no weights for layer '{node.name}'")
        if len(layer.blobs) != len(node.specs):
            raise ProtofaceError(
                f"{source}: layer '{node.name}' has {len(layer.blobs)} blobs, "
                f"the net needs {len(node.specs)}"
            )
        for index in own:
            where = f"{source}: layer '{node.name}', blob {index}"
            array = to_array(layer.blobs[index], where)
            found[node.keys[index]] = _fitted(array, node.specs[index].shape, where)
    return found


def with_weights(net: Net, weights: Net, source: str) -> Net:
    """A copy of `net` (one phase) with the blobs of the equally named layers of `weights`.

    `source` names the weights file in errors; see `weights_of` for what is refused.
    """
    graph = build_graph(net, source)
    return with_arrays(net, graph, weights_of(weights, graph, source))


def with_arrays(net: Net, graph: Graph, arrays: Mapping[str, Array]) -> Net:
    """A copy of `net`, whose graph is `graph`, with its blobs taken from `arrays` (`<layer>.<index>`).

    A shared blob stands in every layer that shares it, as Caffe writes it.
    """
    filled = Net()
    filled.CopyFrom(net)
    for layer, node in zip(filled.layer, graph.nodes, strict=True):
        layer.ClearField("blobs")
        layer.blobs.extend(to_blob(arrays[key]) for key in node.keys)
    return filled


def _fitted(array: Array, shape: Shape, where: str) -> Array:
    """`array` in the declared shape; old files pad shapes with leading ones to four axes."""
    old_style = array.ndim == 4 and array.shape == (*(1,) * (4 - len(shape)), *shape)
    if array.shape != shape and not old_style and not (math.prod(shape) == array.size == 1):
        raise ProtofaceError(
            f"{where}: shape {list(array.shape)}, but the net needs {list(shape)}; "
            "these are the weights of another net"
        )
    return array.reshape(shape)


def _read_caffemodel(path: PathLike) -> Net:
    net = Net()
    try:
        net.ParseFromString(read_bytes(path))
    except DecodeError as error:
        raise ProtofaceError(f"{path}: not a .caffemodel, or a truncated one") from error
    return upgrade(net, os.fspath(path))


def _write_caffemodel(path: Path, net: Net) -> None:
    path.write_bytes(net.SerializeToString())


def _read_hdf5(path: PathLike) -> Net:
    """`/data/<layer>/<blob index>`; names with `/` make nested groups. Source: Caffe, net.cpp."""
    read_bytes(path)  # h5py's own error for a missing or empty file does not say so
    layers: dict[str, dict[int, Array]] = {}

    def visit(name: str, item: h5py.Group | h5py.Dataset) -> None:
        layer, _, index = name.rpartition("/")
        if isinstance(item, h5py.Dataset) and index.isdigit():
            layers.setdefault(layer, {})[int(index)] = np.asarray(item[()])

    try:
        with h5py.File(path, "r") as file:
            if "data" not in file:
                raise ProtofaceError(f"{path}: has no group /data; not Caffe's HDF5 weights")
            # visit order is by name: layers of the text file keep theirs when matched by name
            file["data"].visititems(visit)
    except (OSError, RuntimeError, KeyError, TypeError) as error:
        raise ProtofaceError(f"{path}: not a readable HDF5 file ({error})") from error
    return _named_net(((name, _in_order(path, name, blobs)) for name, blobs in layers.items()))


def _write_hdf5(path: Path, net: Net) -> None:
    nested = [layer.name for layer in net.layer if "/" in layer.name]
    if nested:
        warnings.warn(
            f"{len(nested)} layer names contain '/' (first: '{nested[0]}'): stock Caffe ignores them "
            "when it reads HDF5; protoface does not",
            stacklevel=2,
        )
    arrays = arrays_of(net, os.fspath(path))
    shared: set[str] = set()
    with h5py.File(path, "w") as file:
        for layer in net.layer:
            group = file.require_group(f"data/{layer.name}")
            for index in range(len(layer.blobs)):
                name = layer.param[index].name if index < len(layer.param) else ""
                if name not in shared:  # a shared blob stands at its owner only, as Caffe writes it
                    group.create_dataset(str(index), data=arrays[f"{layer.name}.{index}"])
                if name:
                    shared.add(name)


def _read_pytorch(path: PathLike) -> Net:
    """A plain state dict, keys `<layer>.<blob index>`, Caffe's shapes."""
    import torch

    read_bytes(path)
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises a dozen kinds for foreign and truncated files
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ProtofaceError(f"{path}: not a state dict of tensors ({reason})") from error
    layers: dict[str, dict[int, Array]] = {}
    for key, tensor in state.items() if isinstance(state, dict) else [("", None)]:
        layer, _, index = str(key).rpartition(".")
        if not index.isdigit() or not isinstance(tensor, torch.Tensor):
            raise ProtofaceError(f"{path}: key {key!r} is not <layer>.<blob index> of a tensor")
        layers.setdefault(layer, {})[int(index)] = tensor.numpy()
    return _named_net(((name, _in_order(path, name, blobs)) for name, blobs in layers.items()))


def _write_pytorch(path: Path, net: Net) -> None:
    import torch

    arrays = arrays_of(net, os.fspath(path))
    torch.save({key: torch.from_numpy(array) for key, array in arrays.items()}, path)


def _in_order(path: PathLike, layer: str, blobs: dict[int, Array]) -> list[Array]:
    if sorted(blobs) != list(range(len(blobs))):
        raise ProtofaceError(f"{path}: layer '{layer}' has blobs {sorted(blobs)}, some are missing")
    return [blobs[index] for index in range(len(blobs))]


def _named_net(layers: Iterable[tuple[str, list[Array]]]) -> Net:
    net = Net()
    for name, blobs in layers:
        net.layer.add(name=name, blobs=[to_blob(blob) for blob in blobs])
    return net


_READERS: dict[str, Callable[[PathLike], Net]] = {
    CAFFEMODEL: _read_caffemodel,
    HDF5: _read_hdf5,
    PYTORCH: _read_pytorch,
}
_WRITERS: dict[str, Callable[[Path, Net], None]] = {
    CAFFEMODEL: _write_caffemodel,
    HDF5: _write_hdf5,
    PYTORCH: _write_pytorch,
}
