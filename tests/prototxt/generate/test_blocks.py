"""What the groups of layers compute."""

import pytest
import torch

from protoface.converters import build_graph, caffe_pb2
from protoface.converters.pytorch import to_pytorch
from protoface.prototxt.generate.blocks import attention, conv_bn, depthwise_bn, fully_connected


def net_of(layers, shape):
    """A net of some layers behind an input `data` of a shape."""
    entry = caffe_pb2.LayerParameter(
        name="data", type="Input", top=["data"], input_param={"shape": [{"dim": shape}]}
    )
    return caffe_pb2.NetParameter(name="net", layer=[entry, *layers])


def test_attention_weighs_what_all_places_answer():
    net = to_pytorch(net_of(attention("data", 8), (1, 3, 6, 5)), "net").eval()
    torch.manual_seed(0)
    for blob in net.state_dict().values():
        blob.normal_(0, 0.3).abs_()
    blobs = {name: blob.detach() for name, blob in net.blobs(10 * torch.rand(2, 3, 6, 5)).items()}
    assert blobs["score"].shape == blobs["place"].shape == (2, 8, 6, 5)
    weights = blobs["score"].flatten(2).softmax(2)
    assert weights.std() > 0.01
    expected = (weights * blobs["place"].flatten(2)).sum(2)
    torch.testing.assert_close(blobs["points"], expected)
    assert net.outputs == ["points"]


@pytest.mark.parametrize("kernel", [1, 3])
@pytest.mark.parametrize("stride", [1, 2])
def test_convolutions_keep_the_size_over_the_stride(kernel, stride):
    layers = list(conv_bn("a", "data", 5, kernel, stride))
    graph = build_graph(net_of(layers, (1, 3, 8, 12)), "net")
    assert [value.shape for value in graph.outputs] == [(1, 5, 8 // stride, 12 // stride)]
    assert [node.name for node in graph.nodes] == ["data", "a_new", "a/bn_new", "a/scale_new"]
    assert not layers[0].convolution_param.bias_term


def test_depthwise_layers_are_not_decayed():
    layers = list(depthwise_bn("a", "data", 3, 2))
    graph = build_graph(net_of(layers, (1, 3, 8, 12)), "net")
    assert graph.blob_specs()["a_new.0"].shape == (3, 1, 3, 3)
    assert (layers[0].param[0].lr_mult, layers[0].param[0].decay_mult) == (1, 0)
    assert [value.shape for value in graph.outputs] == [(1, 3, 4, 6)]


def test_the_end_of_the_original():
    graph = build_graph(net_of(fully_connected("data", 7, 10), (1, 3, 2, 2)), "net")
    shapes = {key: spec.shape for key, spec in graph.blob_specs().items()}
    assert shapes == {"fc1.0": (7, 12), "fc1.1": (7,), "fc2.0": (10, 7), "fc2.1": (10,)}
