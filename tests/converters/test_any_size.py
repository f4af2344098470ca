"""Fully convolutional nets as ONNX for inputs of any height and width: as a net of that size gives."""

import numpy as np
import pytest
import torch

from protoface.converters import ProtofaceError
from protoface.converters.any_size import to_any_size
from protoface.converters.onnx_export import to_onnx
from protoface.converters.opencv_onnx import opencv_net_from_onnx
from protoface.converters.part import with_input_shapes
from protoface.converters.pytorch import to_pytorch
from protoface.converters.runtimes import ends_of, run_onnxruntime, run_opencv, run_pytorch

NET = """
layer { name: 'in' type: 'Input' top: 'data' input_param { shape { dim: [1, 3, 16, 16] } } }
layer { name: 'conv' type: 'Convolution' bottom: 'data' top: 'conv'
        convolution_param { num_output: 4 kernel_size: 3 } }
layer { name: 'prelu' type: 'PReLU' bottom: 'conv' top: 'conv' }
layer { name: 'max' type: 'Pooling' bottom: 'conv' top: 'max'
        pooling_param { kernel_size: 2 stride: 2 } }
layer { name: 'last' type: 'Convolution' bottom: 'max' top: 'last'
        convolution_param { num_output: 2 kernel_size: 1 } }
layer { name: 'prob' type: 'Softmax' bottom: 'last' top: 'prob' }
"""
SIZES = [(16, 16), (17, 18), (31, 9), (13, 40)]


def at(net, size):
    """The net as it is written for another size."""
    return with_input_shapes(net, {"data": (1, 3, *size)})


@pytest.mark.parametrize("size", SIZES)
def test_it_is_the_net_of_that_size(net_of, filled, size):
    net = filled(net_of(NET))
    model = to_any_size(net, "net")
    ends = ends_of(model, "net")
    assert ends.inputs[0].shape == (0, 3, 0, 0)
    assert ends.outputs[0].shape == (0, 2, 0, 0)
    feed = {"data": np.random.default_rng(0).normal(size=(2, 3, *size)).astype(np.float32)}
    expected = run_pytorch(at(net, size), np.float32)(feed)["prob"]
    content = model.SerializeToString()
    runs = {
        "onnxruntime": run_onnxruntime(content, ends),
        "opencv": run_opencv(opencv_net_from_onnx(content, "net"), ends),
        "torch": run_pytorch(net, np.float32),
    }
    for name, run in runs.items():
        found = run(feed)["prob"]
        assert found.shape == expected.shape, name
        np.testing.assert_allclose(found, expected, atol=1e-5, err_msg=name)


def test_a_module_pools_what_it_is_given(net_of, filled):
    net = filled(net_of(NET))
    picture = torch.zeros(1, 3, 17, 17)
    assert to_pytorch(net, "net")(picture).shape == to_pytorch(at(net, (17, 17)), "net")(picture).shape


@pytest.mark.parametrize(
    ("layer", "made"),
    [
        (
            "type: 'Pooling' bottom: 'conv' top: 'x' pooling_param { global_pooling: true pool: AVE }",
            "x",
        ),
        (
            "type: 'Reshape' bottom: 'conv' top: 'x' reshape_param { shape { dim: [0, 4, -1, 14] } }",
            "x",
        ),
        ("type: 'InnerProduct' bottom: 'conv' top: 'x' inner_product_param { num_output: 2 }", "x"),
    ],
)
def test_what_depends_on_the_size_is_named(net_of, filled, layer, made):
    head = NET[: NET.index("layer { name: 'max'")]
    net = filled(net_of(f"{head} layer {{ name: 'x' {layer} }}"))
    with pytest.raises(ProtofaceError, match=f"net.*'{made}") as error:
        to_any_size(net, "net")
    assert "\n" not in str(error.value)


def test_the_declared_size_is_a_multiple(net_of, filled):
    net = filled(net_of(NET))
    to_any_size(net, "net", 8)
    with pytest.raises(ProtofaceError, match="net: takes .* sides that are multiples of 32"):
        to_any_size(net, "net", 32)


def test_what_is_exported_otherwise_is_as_before(net_of, filled):
    net = filled(net_of(NET))
    pools = [node for node in to_onnx(net, "net").graph.node if node.op_type == "MaxPool"]
    assert all(one.name != "ceil_mode" for node in pools for one in node.attribute)
