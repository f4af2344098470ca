"""The PyTorch module: keys, phases, outputs, and the way back into Caffe's net."""

import numpy as np
import pytest
import torch

from protoface.converters import ProtofaceError, filter_net, load_net, read_weights, write_weights
from protoface.converters.graph import TRAIN
from protoface.converters.pytorch import from_pytorch, to_pytorch
from protoface.converters.weights import arrays_of, without_weights

NET = """
layer { name: 'data' type: 'Input' top: 'x' input_param { shape { dim: [2, 3, 6, 6] } } }
layer { name: 'conv.a' type: 'Convolution' bottom: 'x' top: 'c'
        convolution_param { num_output: 4 kernel_size: 3 } }
layer { name: 'conv.a/bn' type: 'BatchNorm' bottom: 'c' top: 'c' }
layer { name: 'type' type: 'Scale' bottom: 'c' top: 'c' scale_param { bias_term: true } }
layer { name: 'conv' type: 'PReLU' bottom: 'c' top: 'c' prelu_param { channel_shared: true } }
layer { name: 'drop' type: 'Dropout' bottom: 'c' top: 'd' }
layer { name: 'left' type: 'InnerProduct' bottom: 'd' top: 'l' inner_product_param { num_output: 2 } }
layer { name: 'right' type: 'Softmax' bottom: 'c' top: 'r' }
"""
KEYS = [
    "conv.a.0",
    "conv.a.1",
    "conv.a/bn.0",
    "conv.a/bn.1",
    "conv.a/bn.2",
    "type.0",
    "type.1",
    "conv.0",
    "left.0",
    "left.1",
]


@pytest.fixture
def net(net_of, filled):
    return filled(net_of(NET))


def test_published_nets_compute_what_caffe_computed(published, demo_reference):
    for level in (1, 2):
        module = to_pytorch(load_net(*published(level)), "net")
        inputs, outputs = demo_reference(level)
        found = module(torch.from_numpy(inputs)).detach().numpy()
        assert np.abs(found - outputs).max() < 1e-5


def test_keys_and_shapes_of_the_state_dict(net):
    state = to_pytorch(net, "net").state_dict()
    assert sorted(state) == sorted(KEYS)
    arrays = arrays_of(net, "net")
    assert {key: tuple(value.shape) for key, value in state.items()} == {
        key: array.shape for key, array in arrays.items()
    }
    assert all(np.array_equal(state[key].numpy(), arrays[key]) for key in KEYS)


def test_statistics_are_buffers(net):
    module = to_pytorch(net, "net")
    assert {key for key, _ in module.named_buffers()} == {f"conv.a/bn.{i}" for i in range(3)}
    assert all(parameter.requires_grad for parameter in module.parameters())


def test_a_written_file_is_a_state_dict(tmp_path, net):
    write_weights(tmp_path / "n.pt", net)
    module = to_pytorch(without_weights(net), "net")
    assert not any(parameter.any() for parameter in module.parameters())
    module.load_state_dict(torch.load(tmp_path / "n.pt", weights_only=True))
    assert from_pytorch(module, net) == net


def test_a_saved_state_dict_is_a_weights_file(tmp_path, net):
    torch.save(to_pytorch(net, "net").state_dict(), tmp_path / "n.pt")
    assert arrays_of(read_weights(tmp_path / "n.pt"), "n").keys() == set(KEYS)


def test_weights_of_another_net_do_not_load(net, net_of):
    other = to_pytorch(net_of(NET.replace("kernel_size: 3", "kernel_size: 5")), "net")
    with pytest.raises(RuntimeError, match="conv.a.0"):
        other.load_state_dict(to_pytorch(net, "net").state_dict())


def test_phases(net):
    assert not to_pytorch(net, "net").training
    module = to_pytorch(filter_net(net, TRAIN), "net")
    assert module.training
    x = torch.randn(2, 3, 6, 6)
    before = {key: value.clone() for key, value in module.state_dict().items()}
    assert not torch.equal(module(x)[0], module(x)[0])  # dropout
    assert not torch.equal(module.state_dict()["conv.a/bn.2"], before["conv.a/bn.2"])
    module.eval().load_state_dict(before)
    assert torch.equal(module(x)[0], module(x)[0])
    assert all(torch.equal(value, before[key]) for key, value in module.state_dict().items())


def test_several_outputs_in_the_order_of_the_net(net):
    module = to_pytorch(net, "net")
    left, right = module(torch.randn(5, 3, 6, 6))
    assert module.outputs == ["l", "r"]
    assert (left.shape, right.shape) == ((5, 2), (5, 4, 4, 4))
    assert torch.equal(module.blobs(torch.zeros(1, 3, 6, 6))["l"], module(torch.zeros(1, 3, 6, 6))[0])


def test_blobs_are_as_after_their_last_layer(net):
    blobs = to_pytorch(net, "net").blobs(torch.randn(1, 3, 6, 6))
    assert set(blobs) == {"x", "c", "d", "l", "r"}
    assert torch.equal(blobs["c"], blobs["d"])


def test_gradients_reach_every_parameter(net):
    module = to_pytorch(net, "net")
    left, right = module(torch.randn(2, 3, 6, 6))
    (left.sum() + right.square().sum()).backward()
    assert all(parameter.grad is not None for parameter in module.parameters())


def test_shared_weights_get_the_gradients_of_all_their_layers(net_of, filled):
    net = filled(
        net_of("""
        layer { name: 'in' type: 'Input' top: 'x' input_param { shape { dim: [1, 3] } } }
        layer { name: 'a' type: 'Scale' bottom: 'x' top: 'a' param { name: 'w' } }
        layer { name: 'b' type: 'Scale' bottom: 'a' top: 'b' param { name: 'w' } }""")
    )
    module = to_pytorch(net, "net")
    x = torch.tensor([[1.0, 2.0, 3.0]])
    module(x).sum().backward()
    ((key, weight),) = module.named_parameters()
    assert key == "a.0"
    torch.testing.assert_close(weight.grad, 2 * x[0] * weight.detach())


def test_float64_weights_make_a_float64_module(net):
    net.layer[1].blobs[0].double_data.extend(net.layer[1].blobs[0].data)
    net.layer[1].blobs[0].ClearField("data")
    assert {value.dtype for value in to_pytorch(net, "net").state_dict().values()} == {torch.float64}


def test_the_wrong_number_of_inputs(net):
    with pytest.raises(ProtofaceError, match=r"takes \['x'\], got 2 inputs"):
        to_pytorch(net, "net")(torch.zeros(1), torch.zeros(1))


@pytest.mark.parametrize("name", ["", ".a"])
def test_names_that_pytorch_cannot_hold(net_of, name):
    net = net_of(NET.replace("'left'", f"'{name}'"))
    with pytest.raises(ProtofaceError, match="PyTorch has no place for this name"):
        to_pytorch(net, "net")
