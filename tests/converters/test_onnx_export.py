"""ONNX models: names, free batch size, opsets, weights inline; nothing that the checker refuses."""

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, numpy_helper

from protoface.converters import ProtofaceError, load_net, to_onnx

NET = """
layer { name: 'in' type: 'Input' top: 'picture' top: 'other'
        input_param { shape { dim: [1, 3, 8, 8] } shape { dim: [1, 4, 1, 1] } } }
layer { name: 'flat' type: 'Flatten' bottom: 'other' top: 'flat' }
layer { name: 'conv' type: 'Convolution' bottom: 'picture' top: 'conv'
        convolution_param { num_output: 4 kernel_size: 3 pad: 1 } }
layer { name: 'bn' type: 'BatchNorm' bottom: 'conv' top: 'conv' }
layer { name: 'sc' type: 'Scale' bottom: 'conv' bottom: 'flat' top: 'sc' scale_param { axis: 0 } }
layer { name: 'relu' type: 'ReLU' bottom: 'sc' top: 'sc' relu_param { negative_slope: 0.25 } }
layer { name: 'prelu' type: 'PReLU' bottom: 'sc' top: 'prelu' }
layer { name: 'max' type: 'Pooling' bottom: 'prelu' top: 'max'
        pooling_param { kernel_size: 3 stride: 2 } }
layer { name: 'ave' type: 'Pooling' bottom: 'prelu' top: 'ave'
        pooling_param { pool: AVE kernel_size: 3 stride: 2 pad: 1 } }
layer { name: 'max_flat' type: 'Flatten' bottom: 'max' top: 'max_flat' }
layer { name: 'ave_flat' type: 'Flatten' bottom: 'ave' top: 'ave_flat' }
layer { name: 'cat' type: 'Concat' bottom: 'max_flat' bottom: 'ave_flat' top: 'cat' }
layer { name: 'drop' type: 'Dropout' bottom: 'cat' top: 'cat' }
layer { name: 'ip' type: 'InnerProduct' bottom: 'cat' top: 'ip' inner_product_param { num_output: 4 } }
layer { name: 'sum' type: 'Eltwise' bottom: 'ip' bottom: 'flat' top: 'sum'
        eltwise_param { coeff: [1, 2] } }
layer { name: 'prob' type: 'Softmax' bottom: 'sum' top: 'prob' }
layer { name: 'copy' type: 'Split' bottom: 'ip' top: 'copy' }
"""
NEWEST = onnx.defs.onnx_opset_version()


@pytest.fixture
def net(net_of, filled):
    return filled(net_of(NET))


def test_every_layer_at_once(agree, net):
    agree(net, batches=(1, 2, 5))


def shapes(model):
    """Name -> shape of every input and output."""
    return {
        value.name: [dim.dim_param or dim.dim_value for dim in value.type.tensor_type.shape.dim]
        for value in (*model.graph.input, *model.graph.output)
    }


def test_inputs_and_outputs_carry_caffes_names(net):
    assert shapes(to_onnx(net, "net")) == {
        "picture": ["N", 3, 8, 8],
        "other": ["N", 4, 1, 1],
        "prob": ["N", 4],
        "copy": ["N", 4],
    }


def test_published_nets(published):
    model = to_onnx(load_net(*published(1)), "net")
    assert [value.name for value in model.graph.input] == ["data"]
    assert [value.name for value in model.graph.output] == ["fc2"]
    assert [(o.domain, o.version) for o in model.opset_import] == [("", 17)]
    assert (model.ir_version, model.producer_name) == (8, "protoface")


def test_weights_are_inline_and_bit_identical(net):
    tensors = {tensor.name: tensor for tensor in to_onnx(net, "net").graph.initializer}
    assert all(tensor.data_location == TensorProto.DEFAULT for tensor in tensors.values())
    weight = numpy_helper.to_array(tensors["conv.0"])
    assert weight.ravel().tolist() == list(net.layer[2].blobs[0].data)


def test_shared_weights_are_stored_once(net_of, filled):
    net = filled(
        net_of("""
        layer { name: 'in' type: 'Input' top: 'x' input_param { shape { dim: [1, 4] } } }
        layer { name: 'a' type: 'InnerProduct' bottom: 'x' top: 'a' param { name: 'w' }
                inner_product_param { num_output: 4 bias_term: false } }
        layer { name: 'b' type: 'InnerProduct' bottom: 'a' top: 'b' param { name: 'w' }
                inner_product_param { num_output: 4 bias_term: false } }""")
    )
    assert [tensor.name for tensor in to_onnx(net, "net").graph.initializer] == ["a.0"]


@pytest.mark.parametrize("opset", sorted({13, 14, 15, 16, 17, 18, 19, 20, 21, 22, NEWEST}))
def test_opsets(agree, net, opset):
    """The same nodes are valid in all of them, and compute the same."""
    if opset > NEWEST:
        pytest.skip(f"onnx {onnx.__version__} writes opsets up to {NEWEST}")
    model = to_onnx(net, "net", opset)
    assert model.opset_import[0].version == opset
    if opset > 20:  # what ONNX Runtime knows depends on its version; 1.17 knows 20
        return
    feed = {"picture": np.ones((2, 3, 8, 8), "f4"), "other": np.ones((2, 4, 1, 1), "f4")}
    run = [
        onnxruntime.InferenceSession(m.SerializeToString(), providers=["CPUExecutionProvider"]).run(
            None, feed
        )
        for m in (model, to_onnx(net, "net"))
    ]
    for found, expected in zip(*run, strict=True):
        assert np.abs(found - expected).max() <= 1e-6 * np.abs(expected).max()


@pytest.mark.parametrize("opset", [-1, 0, 12, NEWEST + 1])
def test_opsets_out_of_bounds(net, opset):
    with pytest.raises(ProtofaceError, match=f"--opset {opset}: this onnx writes 13 to {NEWEST}"):
        to_onnx(net, "net", opset)


@pytest.mark.parametrize(
    "name", ["conv.0", "in/x", "bn/mean", "bn/scale", "ip/flat", "p/mean", "p/padded"]
)
def test_blobs_named_like_what_the_writer_adds(agree, net_of, filled, name):
    agree(
        filled(
            net_of(f"""
        layer {{ name: 'in' type: 'Input' top: 'x' input_param {{ shape {{ dim: [1, 3, 6, 6] }} }} }}
        layer {{ name: 'conv' type: 'Convolution' bottom: 'x' top: '{name}'
                convolution_param {{ num_output: 3 kernel_size: 1 }} }}
        layer {{ name: 'bn' type: 'BatchNorm' bottom: '{name}' top: 'b' }}
        layer {{ name: 'p' type: 'Pooling' bottom: 'b' top: 'p'
                pooling_param {{ pool: AVE kernel_size: 3 stride: 2 pad: 1 }} }}
        layer {{ name: 'ip' type: 'InnerProduct' bottom: 'p' top: 'y'
                inner_product_param {{ num_output: 2 }} }}""")
        )
    )


def test_layers_whose_inner_names_coincide(agree, net_of, filled):
    """`a` writes `a/b/mean`, and so does `a/b`."""
    norm = "layer {{ name: '{}' type: 'BatchNorm' bottom: '{}' top: '{}' }}"
    text = "layer { name: 'in' type: 'Input' top: 'x' input_param { shape { dim: [1, 3, 4, 4] } } }"
    agree(
        filled(
            net_of(
                text
                + norm.format("a", "x", "u")
                + norm.format("a/scale", "u", "v")
                + norm.format("a/mean", "v", "a/variance")
            )
        )
    )


def test_an_input_that_nothing_reads_is_an_output(agree, net_of):
    agree(
        net_of("""
        layer { name: 'in' type: 'Input' top: 'x' top: 'y' input_param { shape { dim: [1, 3] } } }
        layer { name: 'r' type: 'ReLU' bottom: 'x' top: 'r' }""")
    )


def test_layers_that_onnx_cannot_express(one_layer, filled):
    with pytest.raises(ProtofaceError, match=r"layer 'layer' \(BatchNorm\): a bottom with one axis"):
        to_onnx(filled(one_layer("BatchNorm", "", [(4,)])), "net")


def test_a_net_without_weights(net_of):
    with pytest.raises(ProtofaceError, match="deep.prototxt: has no weights for layer 'conv'"):
        to_onnx(net_of(NET), "deep.prototxt")
