"""Weights of Caffe and facenet-pytorch in our nets compute the same, and come back bit for bit."""

import numpy as np
import pytest
import torch

from protoface.cascade.mtcnn.weight_layouts import (
    CAFFE,
    FACENET,
    LAYOUTS,
    NETS,
    PROTOFACE,
    from_ours,
    named,
    net_of,
    recognise,
    to_ours,
)
from protoface.converters import ProtofaceError, caffe_pb2
from protoface.converters.blobs import to_array, to_blob
from protoface.converters.pytorch import to_pytorch
from protoface.converters.weights import with_weights

from .random_weights import SIZES, caffe_arrays, caffe_forward, facenet_state


def as_net(arrays):
    """A net of named layers with blobs."""
    net = caffe_pb2.NetParameter()
    for layer, blobs in arrays.items():
        net.layer.add(name=layer, blobs=[to_blob(blob) for blob in blobs])
    return net


def as_arrays(net):
    return {
        layer.name: [to_array(blob, layer.name) for blob in layer.blobs]
        for layer in net.layer
        if layer.blobs
    }


def facenet_net(name, arrays):
    layers = {}
    for key, tensor in facenet_state(name, arrays).items():
        layers.setdefault(key.rpartition(".")[0], []).append(tensor.numpy())
    return as_net(layers)


def equal(found, expected):
    assert found.keys() == expected.keys()
    for layer, blobs in expected.items():
        for array, other in zip(found[layer], blobs, strict=True):
            assert array.dtype == other.dtype
            np.testing.assert_array_equal(array, other, err_msg=layer)


@pytest.mark.parametrize("name", NETS)
@pytest.mark.parametrize("pixels", [None, 29])
def test_the_upright_net_answers_as_caffes_does_on_the_turned_picture(name, pixels):
    arrays = caffe_arrays(name)
    ours = to_ours(name, CAFFE, as_net(arrays), "det")
    module = to_pytorch(with_weights(net_of(name), ours, "det"), name).eval()
    size = pixels if pixels and name == "pnet" else SIZES[name]
    x = torch.randn(4, 3, size, size + (7 if pixels and name == "pnet" else 0))
    expected = caffe_forward(name, arrays, x.transpose(2, 3))
    found = {value: tensor.detach() for value, tensor in module.blobs(x).items()}
    for blob, values in zip(("logits", "box", "points"), expected, strict=False):
        upright = values.transpose(2, 3) if values.ndim == 4 else values
        torch.testing.assert_close(found[blob], upright, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", NETS)
def test_both_libraries_hold_the_same_net(name):
    """The relation of the two, written out index by index in random_weights.py."""
    arrays = caffe_arrays(name)
    from_caffe = to_ours(name, CAFFE, as_net(arrays), "det")
    from_facenet = to_ours(name, FACENET, facenet_net(name, arrays), "pt")
    kept = as_arrays(from_caffe)
    if name == "rnet":
        assert kept.pop("conv5-3")[0].shape == (10, 128)
    equal(as_arrays(from_facenet), kept)


@pytest.mark.parametrize("name", NETS)
@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=lambda layout: layout.name)
def test_there_and_back_is_exact(name, layout):
    arrays = as_arrays(
        from_ours(name, layout, to_ours(name, CAFFE, as_net(caffe_arrays(name)), ""), "")
    )
    assert recognise(set(arrays)) == (name, layout)
    back = from_ours(name, layout, to_ours(name, layout, as_net(arrays), "there"), "back")
    equal(as_arrays(back), arrays)


def test_what_no_net_uses_is_kept():
    arrays = caffe_arrays("rnet")
    ours = to_ours("rnet", CAFFE, as_net(arrays), "det2")
    back = as_arrays(from_ours("rnet", CAFFE, ours, "ours"))
    equal(back, arrays)
    assert sum(blob.size for blobs in back.values() for blob in blobs) == 101_468


def test_values_that_are_no_numbers_and_double_stay_what_they_are():
    arrays = caffe_arrays("pnet")
    arrays["conv1"][0][0, 0] = [[np.nan, np.inf, -0.0], [1e-45, 3, 4], [5, 6, 7]]
    arrays["conv2"] = [blob.astype(np.float64) / 3 for blob in arrays["conv2"]]
    back = as_arrays(from_ours("pnet", CAFFE, to_ours("pnet", CAFFE, as_net(arrays), ""), ""))
    assert back["conv1"][0].tobytes() == arrays["conv1"][0].tobytes()
    equal(back, arrays)


def test_other_spellings_of_activations():
    arrays = {layer.lower(): blobs for layer, blobs in caffe_arrays("pnet").items()}
    assert recognise(set(arrays)) == ("pnet", CAFFE)
    ours = as_arrays(to_ours("pnet", CAFFE, as_net(arrays), "det1"))
    equal(ours, as_arrays(to_ours("pnet", CAFFE, as_net(caffe_arrays("pnet")), "det1")))


def test_names_of_another_net():
    assert recognise({"conv1", "fc2"}) is None
    assert recognise(set()) is None
    assert list(named("rnet", PROTOFACE))[-2:] == ["logits", "box"]


def test_the_weights_of_a_net_of_other_sizes_name_layer_and_shapes():
    arrays = caffe_arrays("onet")
    arrays["conv2"][0] = arrays["conv2"][0][:, :5]
    message = r"det3: layer 'conv2', blob 0: shape \[64, 5, 3, 3\], but the net needs \[64, 32, 3, 3\]"
    with pytest.raises(ProtofaceError, match=message):
        to_ours("onet", CAFFE, as_net(arrays), "det3")


def test_weights_that_are_not_turned_do_not_load_by_accident():
    weights = as_net(caffe_arrays("onet"))
    with pytest.raises(ProtofaceError, match="det3: layer 'fc5'|has no weights for layer 'fc5'"):
        with_weights(net_of("onet"), weights, "det3")
