"""MTCNN's weights files: read in any of the three layouts, written in any of them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from protoface.converters.blobs import to_array
from protoface.converters.errors import ProtofaceError
from protoface.converters.files import PathLike, refuse_inputs, replacing, write_text
from protoface.converters.graph import Net
from protoface.converters.onnx_export import to_onnx, write_onnx
from protoface.converters.onnx_file import is_onnx
from protoface.converters.pickles import check_old_pickle, check_pickle, is_archive
from protoface.converters.prototxt import parse_message, to_text
from protoface.converters.weights import (
    PYTORCH,
    read_state_dict,
    read_weights,
    weights_format,
    with_weights,
    write_weights,
)

from .. import cascade_pb2
from .weight_layouts import (
    FACENET,
    FOLDER,
    LAYOUTS,
    NETS,
    PROTOFACE,
    WeightLayout,
    from_ours,
    net_of,
    recognise,
    to_ours,
)

#: PyTorch's names of blobs 0 and 1.
_PARTS = ("weight", "bias")


@dataclass(frozen=True)
class Weights:
    """The weights of the net `name`, in protoface's layout; `layout` and `path` are what was read."""

    name: str
    layout: WeightLayout
    path: Path
    net: Net


def read_mtcnn(path: PathLike) -> Weights:
    """The weights in a file, .caffemodel, .caffemodel.h5 or .pt, in any of the layouts.

    Net and layout are seen by the names of the layers. Raises ProtofaceError naming the file, for
    weights of another net too.
    """
    net = _read_pytorch(path) if weights_format(path) == PYTORCH else read_weights(path)
    layers = {layer.name for layer in net.layer if layer.blobs}
    found = recognise(layers)
    if found is None:
        some = ", ".join(sorted(layers)[:5])
        raise ProtofaceError(
            f"{path}: is none of MTCNN's three nets, in no layout of {', '.join(LAYOUTS)}; it has "
            f"weights for {some or 'no layer'}"
        )
    name, layout = found
    return Weights(name, layout, Path(path), to_ours(name, layout, net, os.fspath(path)))


def _read_pytorch(path: PathLike) -> Net:
    """A state dict with PyTorch's keys (`conv1.weight`), or ours (`conv1.0`), old files too."""
    (check_pickle if is_archive(path) else check_old_pickle)(path)
    names = {**{part: index for index, part in enumerate(_PARTS)}, "0": 0, "1": 1}

    def place(key: str) -> tuple[str, int]:
        layer, _, part = key.rpartition(".")
        if part not in names:
            raise ProtofaceError(f"{path}: {key!r} is no weight of MTCNN's nets")
        return layer, names[part]

    return read_state_dict(path, place)


def find_files(source: PathLike) -> list[Path]:
    """The weights of the three nets in a folder, in order, by the names that a layout gives its files.

    A file is itself. Raises ProtofaceError unless there are all three of one layout.
    """
    folder = Path(source)
    if not folder.is_dir():
        return [folder]
    for files in _NAMES:
        found = [folder / name for name in files]
        if all(path.is_file() for path in found):
            return found
    raise ProtofaceError(
        f"{folder}: has not all three files of MTCNN's weights: pnet, rnet and onet (.caffemodel or "
        ".pt), or det1 to det3.caffemodel"
    )


#: What find_files looks for, the layouts' own names first; facenet-pytorch's package has its in `data`.
_NAMES = [
    *(layout.files for layout in LAYOUTS.values()),
    tuple(f"{net}.caffemodel.h5" for net in NETS),
    tuple(f"{net}/{net}.caffemodel" for net in NETS),
    tuple(f"data/{name}" for name in FACENET.files),
]


def read_three(source: PathLike | Sequence[PathLike]) -> list[Weights]:
    """P-, R- and O-Net's weights from a folder or three files, in any order of theirs.

    Raises ProtofaceError naming what is missing, or there twice.
    """
    if isinstance(source, str | os.PathLike):
        paths = find_files(source)
    else:
        paths = [Path(path) for path in source]
    found: dict[str, Weights] = {}
    for path in paths:
        weights = read_mtcnn(path)
        if weights.name in found:
            raise ProtofaceError(
                f"{path}: holds weights of {weights.name}, as {found[weights.name].path} does"
            )
        found[weights.name] = weights
    missing = [name for name in NETS if name not in found]
    if missing:
        given = ", ".join(str(path) for path in paths)
        raise ProtofaceError(f"{given}: there are no weights of {', '.join(missing)}; give all three")
    return [found[name] for name in NETS]


def convert_file(source: PathLike, out: PathLike, to: str = PROTOFACE.name) -> Weights:
    """Write the weights of one net to `out`, in the format of its suffix and the layout `to`.

    .onnx holds net and weights, in protoface's layout only. Raises ProtofaceError naming the file.
    """
    refuse_inputs([out], [source])
    weights = read_mtcnn(source)
    _write(out, weights, _layout(to))
    return weights


def convert_folder(source: PathLike, out: PathLike, to: str = PROTOFACE.name) -> list[Path]:
    """Write the weights of all three nets into the folder `out`, in the layout `to`.

    In protoface's layout the folder is a model, with nets and `cascade.prototxt`. Raises ProtofaceError
    naming the file; all three are read before anything is written.
    """
    folder, layout = Path(out), _layout(to)
    found = read_three(source)
    texts = _model_texts() if layout is PROTOFACE else {}
    files = [folder / name for name in layout.files]
    refuse_inputs([*files, *(folder / name for name in texts)], [one.path for one in found])
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ProtofaceError(f"{folder}: {error.strerror or error}") from error
    for path, weights in zip(files, found, strict=True):
        _write(path, weights, layout)
    for name, text in texts.items():
        write_text(folder / name, text)
    return [*files, *(folder / name for name in texts)]


def _layout(name: str) -> WeightLayout:
    if name not in LAYOUTS:
        raise ProtofaceError(f"layout '{name}' is unknown; there are {', '.join(LAYOUTS)}")
    return LAYOUTS[name]


def _model_texts() -> dict[str, str]:
    """The nets and the cascade of a folder whose weights lie beside them."""
    definition = mtcnn_definition()
    texts = {}
    for stage in definition.stage:
        texts[f"{stage.name}.prototxt"] = (FOLDER / stage.net).read_text("utf-8")
        stage.net, stage.weights = f"{stage.name}.prototxt", f"{stage.name}.caffemodel"
    return {**texts, "cascade.prototxt": to_text(definition)}


def mtcnn_definition() -> cascade_pb2.CascadeParameter:
    """The cascade of the package, without weights."""
    path = FOLDER / "cascade.prototxt"
    return parse_message(path.read_text("utf-8"), cascade_pb2.CascadeParameter(), str(path))


def _write(out: PathLike, weights: Weights, layout: WeightLayout) -> None:
    if is_onnx(out):
        _write_onnx(out, weights, layout)
        return
    net = from_ours(weights.name, layout, weights.net, str(weights.path))
    if layout is FACENET and weights_format(out) == PYTORCH:
        _write_state_dict(out, net, set(layout.layers[weights.name].values()))
    else:
        write_weights(out, net)


def _write_onnx(out: PathLike, weights: Weights, layout: WeightLayout) -> None:
    if layout is not PROTOFACE:
        raise ProtofaceError(f"{out}: an ONNX file holds the upright net; leave out --to")
    net = with_weights(net_of(weights.name), weights.net, str(weights.path))
    write_onnx(out, to_onnx(net, str(weights.path)))


def _write_state_dict(out: PathLike, net: Net, used: set[str]) -> None:
    """A state dict with PyTorch's keys, which `load_state_dict` takes; unused layers stay behind."""
    import torch

    state = {
        f"{layer.name}.{part}": torch.from_numpy(np.array(to_array(blob, layer.name)))
        for layer in net.layer
        if layer.name in used
        for part, blob in zip(_PARTS, layer.blobs, strict=False)
    }
    with replacing(out) as temporary:
        torch.save(state, temporary)


def loaded_nets(found: Sequence[Weights]) -> list[Net]:
    """The nets with their weights."""
    return [with_weights(net_of(one.name), one.net, str(one.path)) for one in found]
