"""Dropout: the identity in TEST, inverted in TRAIN."""

import pytest
import torch

from protoface.converters import ProtofaceError, build_graph
from protoface.converters.graph import TRAIN
from protoface.converters.pytorch import to_pytorch


@pytest.mark.parametrize("shape", [(1, 6), (1, 3, 4, 5)])
def test_testing_is_the_identity(parity, shape):
    parity("Dropout", "dropout_param { dropout_ratio: 0.3 }", [shape], lambda bottoms, _: bottoms[0])


def test_training_keeps_the_mean(one_layer):
    net = one_layer("Dropout", "dropout_param { dropout_ratio: 0.25 }", [(1, 10_000)])
    net.layer[-1].phase = TRAIN
    torch.manual_seed(0)
    y = to_pytorch(net, "net")(torch.ones(1, 10_000))
    assert set(y.unique().tolist()) == {0.0, torch.tensor(1 / 0.75).item()}
    assert abs((y == 0).float().mean().item() - 0.25) < 0.02


@pytest.mark.parametrize("ratio", [-0.1, 1.0, float("nan")])
def test_bad_ratio(one_layer, ratio):
    net = one_layer("Dropout", f"dropout_param {{ dropout_ratio: {ratio} }}", [(1, 4)])
    with pytest.raises(ProtofaceError, match=r"layer 'layer' \(Dropout\): dropout_ratio"):
        build_graph(net, "net")


def test_two_bottoms(one_layer):
    with pytest.raises(ProtofaceError, match=r"layer 'layer' \(Dropout\): has 2 bottoms"):
        build_graph(one_layer("Dropout", "", [(1, 2), (1, 2)]), "net")
