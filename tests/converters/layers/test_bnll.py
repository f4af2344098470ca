"""BNLL, with numbers whose exp overflows."""

import numpy as np
import pytest

from protoface.converters import ProtofaceError, build_graph

SHAPES = [(1, 6), (1, 3, 4), (1, 3, 4, 5)]


def bnll(bottoms, blobs):
    return np.logaddexp(0, bottoms[0])


@pytest.mark.parametrize("shift", [-5, 0, 5, 100])
@pytest.mark.parametrize("shape", SHAPES)
def test_formula(parity, shape, shift):
    parity("BNLL", "", [shape], bnll, shift=shift)


def test_two_bottoms(one_layer):
    net = one_layer("BNLL", "", [(1, 4), (1, 4)])
    with pytest.raises(ProtofaceError, match=r"layer 'layer' \(BNLL\): has 2 bottoms, Caffe takes 1"):
        build_graph(net, "net")
