"""Conversion of a net with its weights between Caffe, PyTorch, ONNX and HDF5."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path

from .errors import ProtofaceError
from .files import PathLike, write_text
from .float16 import to_float16
from .fold import fold_batch_norm
from .graph import Net, build_graph
from .onnx_export import OPSET, to_onnx, write_onnx
from .onnx_import import from_onnx, read_onnx
from .part import WHOLE, Part, take_part
from .prototxt import read_net, to_text
from .weights import CAFFEMODEL, merged, read_weights, weights_format, without_weights, write_weights

ONNX = ".onnx"


@dataclass(frozen=True)
class Converted:
    """What `convert` did: the net as it was read, the files written, the net that they hold.

    `float16`: whether the written file computes in half precision. `model`: the ONNX file that the net
    was read from.
    """

    source: Net
    net: Net
    written: tuple[Path, ...]
    float16: bool = False
    model: Path | None = None


def load_net(prototxt: PathLike, weights: PathLike, part: Part = WHOLE) -> Net:
    """The TEST phase of a net (or `part` of it) with its weights; data and loss layers are left out.

    `weights` is a .caffemodel, .caffemodel.h5 or .pt. Raises ProtofaceError naming file and layer.
    """
    net = take_part(read_net(prototxt), part, prototxt)
    graph = build_graph(net, os.fspath(prototxt))
    return merged(net, graph, read_weights(weights), os.fspath(weights))


def is_onnx(path: PathLike) -> bool:
    """Whether a file is ONNX, by its suffix."""
    return os.fspath(path).lower().endswith(ONNX)


def convert(
    prototxt: PathLike,
    weights: PathLike,
    out: PathLike,
    fold_bn: bool = False,
    opset: int = OPSET,
    part: Part = WHOLE,
    float16: bool = False,
) -> Converted:
    """Write the net `prototxt` with `weights` to `out`, in the format of its suffix.

    `out` ends in .onnx, .pt, .caffemodel or .caffemodel.h5. `fold_bn` merges BatchNorm and Scale into
    the layers before them, `part` takes a part of the net; then a weights file no longer fits
    `prototxt`, and the net that it fits is written beside it, with the suffix .prototxt. `opset` and
    `float16` (half precision inside, float32 inputs and outputs) are for ONNX. Raises ProtofaceError;
    on an error `out` keeps what it held.
    """
    changed = fold_bn or part != WHOLE
    beside = None if is_onnx(out) or not changed else _beside(Path(out), Path(prototxt))
    if not is_onnx(out):
        _check_suffix(out)
        if float16:
            raise ProtofaceError(f"{out}: --float16 is for {ONNX}; Caffe's blobs hold float32")
    source = load_net(prototxt, weights, part)
    net = fold_batch_norm(source, os.fspath(prototxt)) if fold_bn else source
    if is_onnx(out):
        _write_onnx(out, net, os.fspath(prototxt), opset, float16)
    else:
        write_weights(out, net)
    if beside is not None:
        write_text(beside, to_text(without_weights(net)))
    return Converted(source, net, (Path(out),) if beside is None else (Path(out), beside), float16)


def convert_onnx(
    model: PathLike, prototxt: PathLike, weights: PathLike, fold_bn: bool = False, part: Part = WHOLE
) -> Converted:
    """Write an ONNX model as a Caffe net, `prototxt`, and its weights, in the format of their suffix.

    `part` gives sizes that the model leaves open, and what to keep of it. Raises ProtofaceError naming
    node and operator for what Caffe cannot express; on an error both files keep what they held.
    """
    _check_suffix(weights)
    if Path(prototxt).suffix != ".prototxt":
        raise ProtofaceError(f"{prototxt}: from {ONNX} comes a net, OUT.prototxt, and its weights")
    source = take_part(
        from_onnx(read_onnx(model), os.fspath(model), part.input_shapes),
        replace(part, input_shapes={}),
        model,
    )
    net = fold_batch_norm(source, os.fspath(model)) if fold_bn else source
    write_weights(weights, net)
    write_text(prototxt, to_text(without_weights(net)))
    return Converted(source, net, (Path(prototxt), Path(weights)), model=Path(model))


def _write_onnx(out: PathLike, net: Net, source: str, opset: int, float16: bool) -> None:
    model = to_onnx(net, source, opset)
    write_onnx(out, to_float16(model, source) if float16 else model)


def _check_suffix(out: PathLike) -> None:
    try:
        weights_format(out)
    except ProtofaceError:
        raise ProtofaceError(
            f"{out}: unknown suffix; write .onnx, .pt, .caffemodel or .caffemodel.h5"
        ) from None


def _beside(out: Path, prototxt: Path) -> Path:
    """Where the net that the weights file `out` fits is written."""
    name = out.name.removesuffix(out.suffix)
    path = out.with_name(name.removesuffix(CAFFEMODEL) + ".prototxt")
    if path.resolve() == prototxt.resolve():
        raise ProtofaceError(f"{out}: its changed net would overwrite {prototxt}; choose another name")
    return path
