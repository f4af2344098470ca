"""ReLU6."""

import numpy as np
import pytest

from protoface.converters import ProtofaceError, build_graph

SHAPES = [(1, 6), (1, 3, 4), (1, 3, 4, 5)]


@pytest.mark.parametrize("shift", [-9, 0, 6])
@pytest.mark.parametrize("shape", SHAPES)
def test_formula(parity, shape, shift):
    parity("ReLU6", "", [shape], lambda bottoms, blobs: np.clip(bottoms[0], 0, 6), shift=shift)


def test_a_slope(one_layer):
    net = one_layer("ReLU6", "relu_param { negative_slope: 0.1 }", [(1, 4)])
    with pytest.raises(ProtofaceError, match="negative_slope is not supported"):
        build_graph(net, "net")


def test_two_bottoms(one_layer):
    net = one_layer("ReLU6", "", [(1, 4), (1, 4)])
    with pytest.raises(ProtofaceError, match=r"layer 'layer' \(ReLU6\): has 2 bottoms, Caffe takes 1"):
        build_graph(net, "net")
