"""Caffe's formats and what they are carried to and from: PyTorch, ONNX, HDF5, OpenCV DNN.

`caffe_pb2.NetParameter` is the hub: every reader makes one, every writer takes one.
"""

from typing import TYPE_CHECKING

from .errors import ProtofaceError
from .lazy import exporting

if TYPE_CHECKING:
    from .conversion import Converted, convert, convert_onnx, load_net
    from .fillers import fill
    from .fold import fold_batch_norm
    from .graph import build_graph, deployed, filter_net
    from .net_text import read_net
    from .onnx_export import to_onnx
    from .onnx_import import from_onnx, read_onnx
    from .opencv_net import read_net_from_caffe
    from .part import Part
    from .pytorch import from_pytorch, to_pytorch
    from .weights import read_weights, with_weights, write_weights

__all__ = [
    "Converted",
    "Part",
    "ProtofaceError",
    "build_graph",
    "convert",
    "convert_onnx",
    "deployed",
    "fill",
    "filter_net",
    "fold_batch_norm",
    "from_onnx",
    "from_pytorch",
    "load_net",
    "read_net",
    "read_net_from_caffe",
    "read_onnx",
    "read_weights",
    "to_onnx",
    "to_pytorch",
    "with_weights",
    "write_weights",
]

#: Imported when a name is asked for: not every command needs ONNX and HDF5.
__getattr__, __dir__ = exporting(
    __name__,
    {
        ".conversion": ("Converted", "convert", "convert_onnx", "load_net"),
        ".fillers": ("fill",),
        ".fold": ("fold_batch_norm",),
        ".graph": ("build_graph", "deployed", "filter_net"),
        ".net_text": ("read_net",),
        ".onnx_export": ("to_onnx",),
        ".onnx_import": ("from_onnx", "read_onnx"),
        ".opencv_net": ("read_net_from_caffe",),
        ".part": ("Part",),
        ".pytorch": ("from_pytorch", "to_pytorch"),
        ".weights": ("read_weights", "with_weights", "write_weights"),
    },
)
