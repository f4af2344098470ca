"""Half precision: every runtime stays within 5e-3 of float64, the weights take half the place."""

import numpy as np
import onnx
import pytest

from protoface.converters import ProtofaceError, build_graph, convert, to_onnx
from protoface.converters.blobs import to_blob
from protoface.converters.check import (
    FLOAT16_TOLERANCE,
    check_converted,
    largest_difference,
    onnx_runtimes,
)
from protoface.converters.float16 import to_float16
from protoface.converters.layers import layer_types
from protoface.converters.runtimes import run_pytorch

NET = """
layer { name: 'i' type: 'Input' top: 'x' input_param { shape { dim: [1, 4, 7, 7] } } }
layer { name: 'c' type: 'Convolution' bottom: 'x' top: 'c'
        convolution_param { num_output: 8 kernel_size: 3 pad: 1 } }
layer { name: 'b' type: 'BatchNorm' bottom: 'c' top: 'c' }
layer { name: 's' type: 'Scale' bottom: 'c' top: 'c' scale_param { bias_term: true } }
layer { name: 'p' type: 'PReLU' bottom: 'c' top: 'c' }
layer { name: 'm' type: 'Pooling' bottom: 'c' top: 'm' pooling_param { kernel_size: 2 stride: 2 } }
layer { name: 'a' type: 'Pooling' bottom: 'c' top: 'a'
        pooling_param { pool: AVE kernel_size: 3 stride: 2 pad: 1 } }
layer { name: 'e' type: 'Eltwise' bottom: 'm' bottom: 'a' top: 'e' }
layer { name: 'f' type: 'InnerProduct' bottom: 'e' top: 'f' inner_product_param { num_output: 5 } }
layer { name: 'z' type: 'Softmax' bottom: 'f' top: 'z' }
"""
LRN = """
layer { name: 'i' type: 'Input' top: 'x' input_param { shape { dim: [1, 4, 7, 7] } } }
layer { name: 'l' type: 'LRN' bottom: 'x' top: 'y' lrn_param { local_size: 3 alpha: 0.5 } }
layer { name: 'r' type: 'ReLU' bottom: 'y' top: 'y' }
"""


@pytest.mark.parametrize("text", [NET, LRN])
def test_every_runtime_is_close_to_float64(net_of, filled, text):
    if "LRN" in text and "LRN" not in layer_types():
        pytest.skip("no LRN")
    net = filled(net_of(text))
    graph = build_graph(net, "n")
    half = to_float16(to_onnx(net, "n"), "n")
    assert [value.type.tensor_type.elem_type for value in [*half.graph.input, *half.graph.output]] == [
        onnx.TensorProto.FLOAT,
        onnx.TensorProto.FLOAT,
    ]
    feed = {"x": np.random.default_rng(0).normal(size=(2, 4, 7, 7)).astype(np.float32)}
    expected = run_pytorch(net, np.float64)(feed)
    for name, run in onnx_runtimes(half.SerializeToString(), graph).items():
        found = largest_difference(expected, run(feed))
        assert 0 < found < FLOAT16_TOLERANCE, name


def test_the_published_net(tmp_path, published):
    whole, half = tmp_path / "whole.onnx", tmp_path / "half.onnx"
    convert(*published(1), whole, fold_bn=True)
    converted = convert(*published(1), half, fold_bn=True, float16=True)
    assert half.stat().st_size < 0.6 * whole.stat().st_size
    differences = check_converted(half, converted)
    assert len(differences) == 2
    assert all(1e-6 < found.difference < FLOAT16_TOLERANCE for found in differences)
    assert all(found.agrees for found in differences)


def test_a_weight_that_is_too_large(net_of, filled):
    net = filled(net_of(NET))
    fc = next(layer for layer in net.layer if layer.name == "f")
    fc.blobs[1].CopyFrom(to_blob(np.array([1, 2, 7e4, 1, 1], np.float32)))
    with pytest.raises(ProtofaceError, match=r"n: 'f.1' holds 70000, .* leave --float16 out"):
        to_float16(to_onnx(net, "n"), "n")


def test_caffe_files_hold_float32(tmp_path):
    with pytest.raises(ProtofaceError, match=r"--float16 is for .onnx"):
        convert(tmp_path / "n.prototxt", tmp_path / "n.pt", tmp_path / "m.caffemodel", float16=True)
