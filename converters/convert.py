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
from .weights import PathLike, read_weights, weights_format, with_weights, write_weights

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
    if not to_graph:
        _weights_suffix(out)
    source = load_net(prototxt, weights)
    net = fold_batch_norm(source, os.fspath(prototxt)) if fold_bn else source
    written = [Path(out)]
    if to_graph:
        content = to_onnx(net, os.fspath(prototxt), opset).SerializeToString()
        with replacing(out) as temporary:
            temporary.write_bytes(content)
    else:
        write_weights(out, net)
        if fold_bn:
            written.append(_folded_prototxt(Path(out), net, Path(prototxt)))
    return Converted(source, net, tuple(written))


def _weights_suffix(out: PathLike) -> str:
    try:
        return weights_format(out)
    except ProtofaceError:
        raise ProtofaceError(
            f"{out}: unknown suffix; write .onnx, .pt, .caffemodel or .caffemodel.h5"
        ) from None


def _folded_prototxt(out: Path, net: Net, prototxt: Path) -> Path:
    path = out.with_name(out.name[: -len(_weights_suffix(out))] + ".prototxt")
    if path.resolve() == prototxt.resolve():
        raise ProtofaceError(f"{out}: its folded net would overwrite {prototxt}; choose another name")
    structure = Net()
    structure.CopyFrom(net)
    for layer in structure.layer:
        layer.ClearField("blobs")
    write_text(path, to_text(structure))
    return path
