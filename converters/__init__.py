"""Caffe's formats and what they are carried to and from: PyTorch, ONNX, HDF5, OpenCV DNN.

`caffe_pb2.NetParameter` is the hub: every reader makes one, every writer takes one.
"""

from .caffe_graph import from_onnx, read_onnx
from .convert import Converted, convert, convert_onnx, load_net
from .errors import ProtofaceError
from .fold import fold_batch_norm
from .graph import build_graph, deployed, filter_net
from .onnx_export import to_onnx
from .opencv_net import read_net_from_caffe
from .prototxt import read_net
from .weights import read_weights, with_weights, write_weights

__all__ = [
    "Converted",
    "ProtofaceError",
    "build_graph",
    "convert",
    "convert_onnx",
    "deployed",
    "filter_net",
    "fold_batch_norm",
    "from_onnx",
    "load_net",
    "read_net",
    "read_net_from_caffe",
    "read_onnx",
    "read_weights",
    "to_onnx",
    "with_weights",
    "write_weights",
]
