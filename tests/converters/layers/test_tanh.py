"""TanH."""

import numpy as np
import pytest

from protoface.converters import ProtofaceError, build_graph

SHAPES = [(1, 6), (1, 3, 4), (1, 3, 4, 5)]


@pytest.mark.parametrize("shift", [-3, 0, 3])
@pytest.mark.parametrize("shape", SHAPES)
def test_formula(parity, shape, shift):
    parity("TanH", "", [shape], lambda bottoms, blobs: np.tanh(bottoms[0]), shift=shift)


def test_two_bottoms(one_layer):
    net = one_layer("TanH", "", [(1, 4), (1, 4)])
    with pytest.raises(ProtofaceError, match=r"layer 'layer' \(TanH\): has 2 bottoms, Caffe takes 1"):
        build_graph(net, "net")
