"""What is fuzzed: every reader of bytes, with small valid files to start from.

A target takes the bytes of a file and returns, or raises ProtofaceError; nothing else may happen.
"""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path

import onnx

from protoface.converters import ProtofaceError, build_graph, caffe_pb2, read_net, read_weights, to_onnx
from protoface.converters.layers import layer_types
from protoface.converters.net_summary import as_json, as_text, summarise
from protoface.converters.onnx_import import from_onnx, read_onnx
from protoface.converters.operators import operators
from protoface.converters.part import WHOLE, take_part
from protoface.converters.prototxt import parse_message, to_text
from protoface.converters.upgrade import upgrade
from protoface.converters.weights import arrays_of, with_arrays, without_weights, write_weights

#: A file of this suffix is written for every case, in memory where the system allows it.
SUFFIXES = {
    "prototxt": ".prototxt",
    "caffemodel": ".caffemodel",
    "hdf5": ".h5",
    "pytorch": ".pt",
    "onnx": ".onnx",
}
SHARED_MEMORY = Path("/dev/shm")

NETS = (
    """name: 'a'
layer { name: 'i' type: 'Input' top: 'x' input_param { shape { dim: [1, 3, 8, 8] } } }
layer { name: 'c' type: 'Convolution' bottom: 'x' top: 'c' param { name: 'w' lr_mult: 1 }
        convolution_param { num_output: 4 kernel_size: 3 pad: 1 stride: 2 dilation: 1 group: 1 } }
layer { name: 'b' type: 'BatchNorm' bottom: 'c' top: 'c' }
layer { name: 's' type: 'Scale' bottom: 'c' top: 'c' scale_param { bias_term: true } }
layer { name: 'r' type: 'ReLU' bottom: 'c' top: 'c' relu_param { negative_slope: 0.1 } }
layer { name: 'p' type: 'Pooling' bottom: 'c' top: 'p'
        pooling_param { pool: AVE kernel_size: 2 stride: 2 pad: 1 } }
layer { name: 'f' type: 'InnerProduct' bottom: 'p' top: 'f' inner_product_param { num_output: 2 } }
layer { name: 'z' type: 'Softmax' bottom: 'f' top: 'z' include { phase: TEST stage: 'deploy' } }
layer { name: 'l' type: 'SoftmaxWithLoss' bottom: 'f' bottom: 'y' top: 'l' include { phase: TRAIN } }
""",
    """input: 'x' input_dim: 1 input_dim: 4 input_dim: 6 input_dim: 6
layers { name: 'c' type: CONVOLUTION bottom: 'x' top: 'c' blobs_lr: 1 weight_decay: 0
         convolution_param { num_output: 4 kernel_h: 1 kernel_w: 3 bias_term: false } }
layers { name: 'e' type: ELTWISE bottom: 'c' bottom: 'c' top: 'e' eltwise_param { operation: MAX } }
layers { name: 'k' type: CONCAT bottom: 'c' bottom: 'e' top: 'k' concat_param { concat_dim: 1 } }
layers { name: 'p' type: POOLING bottom: 'k' top: 'p' pooling_param { pool: MAX kernel_size: 2 } }
""",
)

#: Operators that read constants, which a mutation will hardly find out.
GRAPHS = (
    "(float[4,2,3] x) => (float y) <float[1,4,3] w = {0,1,2,3,4,5,6,7,8,9,1,2}, "
    "float[1,4,1] r = {1,2,3,4}, float[1,8] b = {1,2,3,4,5,6,7,8}> { y = LSTM(x, w, r, b) }",
    "(float[1,2] x) => (float y) <float[3,2] t = {0,1,2,3,4,5}> { i = Cast<to=7>(x) y = Gather(t, i) }",
    "(float[1,4,6,6] x) => (float y) <int64[2] i = {1,2}> { y = Gather<axis=1>(x, i) }",
    "(float[1,4,6,6] x) => (float y) <float[4] s = {1,1,1.5,2}> "
    '{ y = Resize<mode="linear">(x, "", s) }',
    "(float[1,1,6,6] x) => (float y) <float[1,1,2,2] w = {1,2,3,4}> "
    "{ y = ConvTranspose<strides=[2,2],pads=[1,0,1,1],output_padding=[1,0]>(x, w) }",
    "(float[1,2] x) => (float y) <int64[2] h = {9,2}, float f = {1}, float[2,2] m = {1,2,3,4}> "
    "{ a = Expand(f, h) b = Gemm(x, m) y = Concat(b, a) }",
)


def read_prototxt(path: Path) -> None:
    """`protoface layers` and the graph of a deployed net."""
    net = read_net(path)
    found = summarise(net)
    as_text(found)
    as_json(found)
    build_graph(take_part(net, WHOLE, path), str(path))


def read_arrays(path: Path) -> None:
    """All arrays of a weights file."""
    arrays_of(read_weights(path), str(path))


def read_model(path: Path) -> None:
    """The Caffe net of an ONNX model."""
    from_onnx(read_onnx(path), str(path))


TARGETS: dict[str, Callable[[Path], None]] = {
    "prototxt": read_prototxt,
    "caffemodel": read_arrays,
    "hdf5": read_arrays,
    "pytorch": read_arrays,
    "onnx": read_model,
}


def run(target: str, content: bytes) -> bool:
    """Read `content` as a file of the target's kind; whether it was accepted."""
    folder = SHARED_MEMORY if SHARED_MEMORY.is_dir() else None
    with tempfile.NamedTemporaryFile(suffix=SUFFIXES[target], dir=folder) as file:
        file.write(content)
        file.flush()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                TARGETS[target](Path(file.name))
            except ProtofaceError:
                return False
    return True


def seeds(target: str) -> list[bytes]:
    """Small valid files."""
    if target == "prototxt":
        return [*(text.encode() for text in NETS), *_one_of_each_layer()]
    nets = [take_part(_net(text), WHOLE, "seed") for text in NETS]
    filled = []
    for net in nets:
        graph = build_graph(net, "seed")
        arrays = {}
        for key, spec in graph.blob_specs().items():
            import numpy as np

            arrays[key] = np.ones(spec.shape, np.float32)
        filled.append(with_arrays(net, graph, arrays))
    if target == "onnx":
        return [to_onnx(net, "seed").SerializeToString() for net in filled] + _one_of_each_operator()
    contents = []
    with tempfile.TemporaryDirectory() as folder:
        for net in filled:
            path = Path(folder) / f"seed{SUFFIXES[target]}"
            write_weights(path, net)
            contents.append(path.read_bytes())
    return contents


def words(target: str) -> list[str]:
    """What a mutation may put in: names of layers and fields, or of operators."""
    if target == "onnx":
        return list(operators())
    fields: list[str] = []
    for descriptor in caffe_pb2.NetParameter.DESCRIPTOR.file.message_types_by_name.values():
        fields.extend(field.name for field in descriptor.fields)
    return sorted({*layer_types(), *fields}) if target == "prototxt" else []


def _net(text: str) -> caffe_pb2.NetParameter:
    return upgrade(parse_message(text, caffe_pb2.NetParameter(), "seed"), "seed")


def _one_of_each_layer() -> list[bytes]:
    contents = []
    for kind in layer_types():
        net = _net(
            "layer { name: 'i' type: 'Input' top: 'x' input_param { shape { dim: [1, 4, 6, 6] } } }"
        )
        net.layer.add(name="l", type=kind, bottom=["x"], top=["y"])
        contents.append(to_text(without_weights(net)).encode())
    return contents


def _one_of_each_operator() -> list[bytes]:
    contents = []
    bare = (f"(float[1,4,6,6] x) => (float y) {{ y = {name}(x) }}" for name in operators())
    for text in (*bare, *GRAPHS):
        model = onnx.parser.parse_model(f'<ir_version: 8, opset_import: ["" : 17]> g {text}')
        contents.append(model.SerializeToString())
    return contents
