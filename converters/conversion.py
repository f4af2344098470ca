"""Conversion of a net with its weights between Caffe, PyTorch, ONNX and HDF5."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from .errors import ProtofaceError
from .files import PathLike, refuse_inputs, write_text
from .float16 import to_float16
from .fold import fold_batch_norm
from .graph import Graph, Net, build_graph
from .net_text import read_net
from .onnx_export import OPSET, to_onnx, write_onnx
from .onnx_file import ONNX, is_onnx
from .onnx_import import from_onnx, read_onnx
from .part import WHOLE, Part, take_part
from .prototxt import to_text
from .weights import CAFFEMODEL, merged, read_weights, weights_format, without_weights, write_weights


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


def load_net(
    prototxt: PathLike,
    weights: PathLike,
    part: Part = WHOLE,
    check: Callable[[Graph], object] = lambda graph: None,
) -> Net:
    """The TEST phase of a net (or `part` of it) with its weights; data and loss layers are left out.

    `weights` is a .caffemodel, .caffemodel.h5 or .pt. `check` sees the graph before they are read.
    Raises ProtofaceError naming file and layer.
    """
    net = take_part(read_net(prototxt), part, prototxt)
    graph = build_graph(net, os.fspath(prototxt))
    check(graph)
    return merged(net, graph, read_weights(weights), os.fspath(weights))


def convert(
    prototxt: PathLike,
    weights: PathLike,
    out: PathLike,
    *,
    fold_bn: bool = False,
    opset: int = OPSET,
    part: Part = WHOLE,
    float16: bool = False,
) -> Converted:
    """Write the net `prototxt` with `weights` to `out`, in the format of its suffix.

    `out` ends in .onnx, .pt, .caffemodel or .caffemodel.h5. `fold_bn` merges BatchNorm and Scale into
    the layers before them, `part` takes a part of the net; then a weights file no longer fits
    `prototxt`, and the net that it fits is written beside it, with the suffix .prototxt. `opset` and
    `float16` (half precision inside, float32 inputs and outputs) are for ONNX. Raises ProtofaceError,
    also if `out` is one of the files read, or the .prototxt beside it holds another net; on an error
    every file keeps what it held.
    """
    _check_out(out, prototxt, weights)
    if float16 and not is_onnx(out):
        raise ProtofaceError(f"{out}: --float16 is for {ONNX}; Caffe's blobs hold float32")
    source = load_net(prototxt, weights, part)
    net = fold_batch_norm(source, os.fspath(prototxt)) if fold_bn else source
    if is_onnx(out):
        _write_onnx(out, net, os.fspath(prototxt), opset, float16)
        written: tuple[Path, ...] = (Path(out),)
    elif fold_bn or part != WHOLE:
        written = _write_both(out, net)
    else:
        write_weights(out, net)
        written = (Path(out),)
    return Converted(source, net, written, float16)


def convert_onnx(
    model: PathLike, out: PathLike, *, fold_bn: bool = False, part: Part = WHOLE
) -> Converted:
    """Write an ONNX model as Caffe's weights, `out`, and the net that they fit, beside it.

    `out` ends in .caffemodel, .caffemodel.h5 or .pt; the net has the same name with the suffix
    .prototxt. `part` gives sizes that the model leaves open, and what to keep of it. Raises
    ProtofaceError naming node and operator for what Caffe cannot express, and if the .prototxt holds
    another net; on an error both files keep what they held.
    """
    if is_onnx(out):
        raise ProtofaceError(
            f"{out}: from {ONNX} come weights and a net; write .caffemodel, .h5 or .pt"
        )
    _check_out(out, model)
    source = take_part(
        from_onnx(read_onnx(model), os.fspath(model), part.input_shapes),
        replace(part, input_shapes={}),
        model,
    )
    net = fold_batch_norm(source, os.fspath(model)) if fold_bn else source
    return Converted(source, net, _write_both(out, net), model=Path(model))


def _check_out(out: PathLike, *read: PathLike) -> None:
    """Refuse a suffix that cannot be written, and a file that is read."""
    if not is_onnx(out):
        _check_suffix(out)
    refuse_inputs([out], read)


def _write_both(out: PathLike, net: Net) -> tuple[Path, Path]:
    """The weights of a net and, beside them, the net; nobody named that file, so none is replaced."""
    weights = Path(out)
    beside = weights.with_name(weights.stem.removesuffix(CAFFEMODEL) + ".prototxt")
    text = to_text(without_weights(net))
    if beside.exists() and beside.read_bytes() != text.encode():
        raise ProtofaceError(
            f"{out}: its net belongs into {beside}, which holds another one; choose another name"
        )
    write_weights(weights, net)
    write_text(beside, text)
    return weights, beside


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
