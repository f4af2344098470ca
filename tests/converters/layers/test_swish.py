"""Swish."""

import numpy as np
import pytest

from protoface.converters import ProtofaceError, build_graph

SHAPES = [(1, 6), (1, 3, 4), (1, 3, 4, 5)]


@pytest.mark.parametrize("beta", [1, 0.5, 2, -1, 0])
@pytest.mark.parametrize("shape", SHAPES)
def test_beta(parity, shape, beta):
    def swish(bottoms, blobs):
        return bottoms[0] / (1 + np.exp(-beta * bottoms[0]))

    parity("Swish", f"swish_param {{ beta: {beta} }}", [shape], swish)


def test_beta_is_1_by_default(parity):
    parity("Swish", "", [(1, 6)], lambda bottoms, blobs: bottoms[0] / (1 + np.exp(-bottoms[0])))


def test_two_bottoms(one_layer):
    net = one_layer("Swish", "", [(1, 4), (1, 4)])
    with pytest.raises(ProtofaceError, match=r"layer 'layer' \(Swish\): has 2 bottoms, Caffe takes 1"):
        build_graph(net, "net")
