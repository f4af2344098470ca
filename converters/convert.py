"""Conversion of a net with its weights between Caffe, PyTorch, ONNX and HDF5."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from .errors import ProtofaceError
from .files import replacing, write_text
from .fold import fold_batch_norm
from .graph import Net, deployed
from .onnx_graph import OPSET, to_onnx
from .prototxt import read_net, to_text
from .weights import (
    CAFFEMODEL,
    PathLike,
    read_weights,
    weights_format,
    with_weights,
    without_weights,
    write_weights,
)

ONNX = ".onnx"


@dataclass(frozen=True)
class Converted:
    """What `convert` did: the net as it was read, the files written, the net that they hold."""

    source: Net
    net: Net
    written: tuple[Path, ...]


def load_net(prototxt: PathLike, weights: PathLike) -> Net:
    """The TEST phase of a net with its weights; data and loss layers are left out.

    `weights` is a .caffemodel, .caffemodel.h5 or .pt. Raises ProtofaceError naming file and layer.
    """
    net = deployed(read_net(prototxt))
    return with_weights(net, read_weights(weights), os.fspath(weights))


def convert(
    prototxt: PathLike,
    weights: PathLike,
    out: PathLike,
    fold_bn: bool = False,
    opset: int = OPSET,
) -> Converted:
    """Write the net `prototxt` with `weights` to `out`, in the format of its suffix.

    `out` ends in .onnx, .pt, .caffemodel or .caffemodel.h5. `fold_bn` merges BatchNorm and Scale into
    the layers before them; then a weights file no longer fits `prototxt`, and the net that it fits is
    written beside it, with the suffix .prototxt. `opset` is for ONNX. Raises ProtofaceError; on an
    error `out` keeps what it held.
    """
    to_graph = os.fspath(out).lower().endswith(ONNX)
    beside = None if to_graph or not fold_bn else _folded_prototxt(Path(out), Path(prototxt))
    if not to_graph:
        _check_suffix(out)
    source = load_net(prototxt, weights)
    net = fold_batch_norm(source, os.fspath(prototxt)) if fold_bn else source
    if to_graph:
        content = to_onnx(net, os.fspath(prototxt), opset).SerializeToString()
        with replacing(out) as temporary:
            temporary.write_bytes(content)
    else:
        write_weights(out, net)
    if beside is not None:
        write_text(beside, to_text(without_weights(net)))
    return Converted(source, net, (Path(out),) if beside is None else (Path(out), beside))


def _check_suffix(out: PathLike) -> None:
    try:
        weights_format(out)
    except ProtofaceError:
        raise ProtofaceError(
            f"{out}: unknown suffix; write .onnx, .pt, .caffemodel or .caffemodel.h5"
        ) from None


def _folded_prototxt(out: Path, prototxt: Path) -> Path:
    name = out.name.removesuffix(out.suffix)
    path = out.with_name(name.removesuffix(CAFFEMODEL) + ".prototxt")
    if path.resolve() == prototxt.resolve():
        raise ProtofaceError(f"{out}: its folded net would overwrite {prototxt}; choose another name")
    return path
