"""Weights of a net: read and written as .caffemodel, .caffemodel.h5 and .pt, and matched by name.

A NetParameter whose layers hold blobs is the hub: every format is read into one and written from one.
"""

from __future__ import annotations

import math
import os
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path

import h5py
import numpy as np
from google.protobuf.message import DecodeError

from . import caffe_pb2
from .blobs import Array, Shape, blob_shape, blob_view, check_blob, fill_blob, to_array
from .errors import ProtofaceError
from .files import PathLike, read_bytes, replacing
from .graph import Graph, Net, build_graph
from .hdf5 import open_hdf5, read_arrays, writing_hdf5
from .messages import without, write_parts
from .pickles import check_pickle
from .strings import check_strings
from .upgrade import upgrade

CAFFEMODEL, HDF5, PYTORCH = ".caffemodel", ".caffemodel.h5", ".pt"
# Tensors of a .pt file may share values; more often than this is no net's.
MAXIMUM_SHARING = 8


def weights_format(path: PathLike) -> str:
    """Which of the three formats a file has, by its suffix. Raises ProtofaceError for another one."""
    name = Path(path).name.lower()
    for suffix in (CAFFEMODEL, HDF5, ".h5", PYTORCH):
        if name.endswith(suffix):
            return HDF5 if suffix == ".h5" else suffix
    raise ProtofaceError(f"{path}: unknown suffix; weights are {CAFFEMODEL}, {HDF5} or {PYTORCH}")


def read_weights(path: PathLike) -> Net:
    """The weights file as a net of named layers with blobs (from .h5 and .pt: names and blobs only).

    float64 stays float64. The file of a net without parameters has no blobs: what needs some refuses it
    (`blobs_of`). Raises ProtofaceError naming the file for a missing, truncated, foreign or empty one.
    """
    return _READERS[weights_format(path)](path)


def write_weights(path: PathLike, net: Net) -> None:
    """Write a net that holds its weights, in the format of the suffix, whole or not at all."""
    write = _WRITERS[weights_format(path)]
    with replacing(path) as temporary:
        write(temporary, net)


def arrays_of(net: Net, source: str) -> dict[str, Array]:
    """All blobs of a net, `<layer>.<index>` -> array (read only), in the order of the layers."""
    return {
        f"{layer.name}.{index}": blob_view(blob, f"{source}: layer '{layer.name}', blob {index}")
        for layer in net.layer
        for index, blob in enumerate(layer.blobs)
        if blob.ListFields()  # else another layer owns it, see _named_net
    }


def weights_of(net: Net, graph: Graph, source: str) -> dict[str, Array]:
    """The arrays that `graph` needs, in the shapes that it declares, from a net that holds them.

    Layers of the net that the graph lacks are passed over, as Caffe does; a layer without its blobs is
    an error naming the layer, and so is a blob of another shape (with both shapes).
    """
    shapes = {key: spec.shape for key, spec in graph.blob_specs().items()}
    return {
        key: to_array(blob, source).reshape(shapes[key])
        for key, blob in blobs_of(net, graph, source).items()
    }


def blobs_of(net: Net, graph: Graph, source: str) -> dict[str, caffe_pb2.BlobProto]:
    """The same as blobs of `net` itself, checked but not read: no value is touched.

    Old files have other shapes for the same blob, so take the shapes from the graph.
    """
    present = {layer.name: layer for layer in net.layer if layer.blobs}
    found: dict[str, caffe_pb2.BlobProto] = {}
    for node in graph.nodes:
        own = [i for i, key in enumerate(node.keys) if key == f"{node.name}.{i}"]
        if not own:
            continue
        layer = present.get(node.name)
        if layer is None:
            raise ProtofaceError(f"{source}: has no weights for layer '{node.name}'")
        if not own[-1] < len(layer.blobs) <= len(node.specs):
            raise ProtofaceError(
                f"{source}: layer '{node.name}' has {len(layer.blobs)} blobs, "
                f"the net needs {len(node.specs)}"
            )
        for index in own:
            where = f"{source}: layer '{node.name}', blob {index}"
            blob = layer.blobs[index]
            if not blob.ListFields():
                raise ProtofaceError(f"{where} is missing")
            check_blob(blob, where)
            _check_shape(blob_shape(blob), node.specs[index].shape, where)
            found[node.keys[index]] = blob
    return found


def with_weights(net: Net, weights: Net, source: str) -> Net:
    """A copy of `net` (one phase) with the blobs of the equally named layers of `weights`.

    `source` names the weights file in errors; see `weights_of` for what is refused.
    """
    graph = build_graph(net, source)
    blobs = blobs_of(weights, graph, source)

    def fill(blob: caffe_pb2.BlobProto, key: str, shape: Shape) -> None:
        blob.CopyFrom(blobs[key])
        _set_shape(blob, shape)

    return _with_blobs(net, graph, fill)


def with_arrays(net: Net, graph: Graph, arrays: Mapping[str, Array]) -> Net:
    """A copy of `net`, whose graph is `graph`, with its blobs taken from `arrays` (`<layer>.<index>`).

    A shared blob stands in every layer that shares it, as Caffe writes it.
    """
    return _with_blobs(net, graph, lambda blob, key, shape: fill_blob(blob, arrays[key]))


def merged(net: Net, graph: Graph, weights: Net, source: str) -> Net:
    """`weights` itself, made the same as `with_weights(net, weights, source)`: no blob is copied.

    `graph` is that of `net`.
    """
    blobs = blobs_of(weights, graph, source)
    order = {node.name: index for index, node in enumerate(graph.nodes)}
    holders = {layer.name: index for index, layer in enumerate(weights.layer) if layer.blobs}
    for index in reversed(range(len(weights.layer))):
        name = weights.layer[index].name
        if name not in order or holders.get(name) != index:
            del weights.layer[index]
    present = {layer.name: layer for layer in weights.layer}
    for layer, node in zip(net.layer, graph.nodes, strict=True):
        target = present.get(node.name) or weights.layer.add()
        for descriptor, _ in target.ListFields():
            if descriptor.name != "blobs":
                target.ClearField(descriptor.name)
        target.MergeFrom(without(layer, "blobs"))
        while len(target.blobs) < len(node.keys):
            target.blobs.add()
        for blob, key, spec in zip(target.blobs, node.keys, node.specs, strict=True):
            if not key.startswith(f"{node.name}."):  # another layer's, which this one shares
                blob.CopyFrom(blobs[key])
            _set_shape(blob, spec.shape)
    weights.layer.sort(key=lambda layer: order[layer.name])
    for descriptor, _ in weights.ListFields():
        if descriptor.name != "layer":
            weights.ClearField(descriptor.name)
    weights.MergeFrom(without(net, "layer"))
    return weights


def _set_shape(blob: caffe_pb2.BlobProto, shape: Shape) -> None:
    """Today's shape for a blob that may have that of an old file."""
    if blob_shape(blob) != shape or not blob.HasField("shape"):
        for field in ("num", "channels", "height", "width"):
            blob.ClearField(field)
        blob.shape.dim[:] = shape


def _with_blobs(net: Net, graph: Graph, fill: Callable[[caffe_pb2.BlobProto, str, Shape], None]) -> Net:
    """A copy of `net` whose empty blobs `fill` fills, by key and the shape that each must have."""
    filled = without(net, "layer")
    for layer, node in zip(net.layer, graph.nodes, strict=True):
        copy = filled.layer.add()
        copy.CopyFrom(without(layer, "blobs"))
        for key, spec in zip(node.keys, node.specs, strict=True):
            fill(copy.blobs.add(), key, spec.shape)
    return filled


def without_weights(net: Net) -> Net:
    """A copy of a net without blobs: what belongs in a .prototxt."""
    structure = without(net, "layer")
    structure.layer.extend(without(layer, "blobs") for layer in net.layer)
    return structure


def _check_shape(found: Shape, needed: Shape, where: str) -> None:
    """Fail for another shape; old files pad shapes with leading ones to four axes."""
    old_style = len(found) == 4 and found == (*(1,) * (4 - len(needed)), *needed)
    if found != needed and not old_style and not (math.prod(needed) == math.prod(found) == 1):
        raise ProtofaceError(
            f"{where}: shape {list(found)}, but the net needs {list(needed)}; "
            "these are the weights of another net"
        )


def _read_caffemodel(path: PathLike) -> Net:
    net = Net()
    try:
        net.ParseFromString(read_bytes(path))
    except DecodeError as error:
        raise ProtofaceError(f"{path}: not a .caffemodel, or a truncated one") from error
    check_strings(net, os.fspath(path))
    if not net.layer and not net.layers:  # a foreign file may pass for a message of unknown fields
        raise ProtofaceError(f"{path}: holds no layers; not a .caffemodel")
    return upgrade(net, os.fspath(path))


def _write_caffemodel(path: Path, net: Net) -> None:
    with open(path, "wb") as file:
        file.write(without(net, "layer").SerializeToString())
        write_parts(file, Net.LAYER_FIELD_NUMBER, net.layer)


def _read_hdf5(path: PathLike) -> Net:
    """`/data/<layer>/<blob index>`; names with `/` make nested groups. Source: Caffe, net.cpp."""
    layers: dict[str, dict[int, Array]] = {}
    with open_hdf5(path) as items:
        if not isinstance(items.get("data"), h5py.Group):
            raise ProtofaceError(f"{path}: has no group /data; not Caffe's HDF5 weights")
        # in the order of the names: layers of the text file keep theirs when matched by name
        found = {
            name: item
            for name, item in items.items()
            if name.startswith("data/") and isinstance(item, h5py.Dataset)
        }
        places = {name: _blob_name(path, name.removeprefix("data/"), "/") for name in found}
        for name, array in read_arrays(path, found).items():
            layer, index = places[name]
            layers.setdefault(layer, {})[index] = array
    return _named_net(path, layers)


def _write_hdf5(path: Path, net: Net) -> None:
    nested = [layer.name for layer in net.layer if "/" in layer.name]
    if nested:
        warnings.warn(
            f"{len(nested)} layer names contain '/' (first: '{nested[0]}'): stock Caffe ignores them "
            "when it reads HDF5; protoface does not",
            stacklevel=2,
        )
    _check_hdf5_names(net)
    arrays = arrays_of(net, os.fspath(path))
    shared: set[str] = set()
    with writing_hdf5(path) as file:
        for layer in net.layer:
            file.require_group(f"data/{layer.name}")
            for index in range(len(layer.blobs)):
                key = f"{layer.name}.{index}"
                name = layer.param[index].name if index < len(layer.param) else ""
                # a shared blob stands at its owner only, as Caffe writes it
                if name not in shared and key in arrays:
                    file[f"data/{layer.name}/{index}"] = arrays[key]
                if name:
                    shared.add(name)


def _check_hdf5_names(net: Net) -> None:
    """Refuse names that HDF5 would change, and those that stand where another layer has a blob."""
    blobs = {f"{layer.name}/{index}" for layer in net.layer for index in range(len(layer.blobs))}
    for layer in net.layer:
        parts = layer.name.split("/")
        groups = {"/".join(parts[: depth + 1]) for depth in range(len(parts))}
        if {"", "."} & set(parts) or "\0" in layer.name or groups & blobs:
            raise ProtofaceError(f"layer '{layer.name}': HDF5 has no place for this name; rename it")


def _read_pytorch(path: PathLike) -> Net:
    """A plain state dict, keys `<layer>.<blob index>`, Caffe's shapes."""
    check_pickle(path)
    return read_state_dict(path, lambda key: _blob_name(path, key, "."))


def read_state_dict(path: PathLike, place: Callable[[str], tuple[str, int]]) -> Net:
    """The tensors of a .pt file, which was checked (`pickles.py`), as a net of named layers with blobs.

    `place` gives layer and index of a key. Raises ProtofaceError naming the file for anything but a
    state dict of floats.
    """
    import torch

    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises a dozen kinds for foreign and truncated files
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ProtofaceError(f"{path}: not a state dict of tensors ({reason})") from error
    layers: dict[str, dict[int, Array]] = {}
    if not isinstance(state, dict):
        raise ProtofaceError(f"{path}: holds no state dict; save the net's `state_dict()`")
    for key, tensor in state.items():
        layer, index = place(str(key))
        layers.setdefault(layer, {})[index] = _tensor(path, str(key), tensor)
    size = sum(array.nbytes for blobs in layers.values() for array in blobs.values())
    if size > MAXIMUM_SHARING * os.path.getsize(path):
        raise ProtofaceError(f"{path}: its tensors take {size:,} bytes, which are not in the file")
    return _named_net(path, layers)


def _tensor(path: PathLike, key: str, tensor: object) -> Array:
    """A tensor's values, if they are floats of Caffe's kinds that the file really holds."""
    import torch

    if not isinstance(tensor, torch.Tensor):
        raise ProtofaceError(f"{path}: {key!r} is no tensor; save the net's `state_dict()` alone")
    kind = str(tensor.dtype).removeprefix("torch.")
    if kind not in ("float16", "float32", "float64"):
        raise ProtofaceError(f"{path}: {key!r} holds {kind}; save it as float32 or float64")
    if tensor.nbytes > tensor.untyped_storage().nbytes():
        raise ProtofaceError(f"{path}: {key!r} is no plain tensor; save it by `.contiguous()`")
    return np.asarray(tensor.detach().numpy())


def _write_pytorch(path: Path, net: Net) -> None:
    import torch

    arrays = arrays_of(net, os.fspath(path))
    # PyTorch wants arrays that it may write to
    torch.save({key: torch.from_numpy(array.copy()) for key, array in arrays.items()}, path)


def _blob_name(path: PathLike, name: str, separator: str) -> tuple[str, int]:
    """A layer's name and a blob's index out of `<layer><separator><index>`."""
    layer, found, index = name.rpartition(separator)
    # Caffe's layers have a handful of blobs: three digits are something else
    if not found or not index.isdecimal() or len(index) > 2:
        raise ProtofaceError(f"{path}: {name!r} is not <layer>{separator}<blob index>")
    return layer, int(index)


def _named_net(path: PathLike, layers: Mapping[str, Mapping[int, Array]]) -> Net:
    """A net of names and blobs; one that the file lacks, since another layer owns it, is left empty."""
    net = Net()
    for name, blobs in layers.items():
        layer = net.layer.add(name=name)
        for index in range(max(blobs) + 1):
            blob = layer.blobs.add()
            if index in blobs:
                fill_blob(blob, blobs[index])
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
