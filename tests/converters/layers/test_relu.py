"""ReLU and its leaky form."""

import numpy as np
import pytest

from protoface.converters import ProtofaceError, build_graph


def relu(slope=0.0):
    slope = float(np.float32(slope))
    return lambda bottoms, blobs: np.where(bottoms[0] > 0, bottoms[0], slope * bottoms[0])


@pytest.mark.parametrize("shape", [(1, 6), (1, 3, 4), (1, 3, 4, 5)])
def test_relu(parity, shape):
    parity("ReLU", "", [shape], relu())


@pytest.mark.parametrize("slope", [0.1, 1.0, 1.5, -0.5])
def test_slope(parity, slope):
    parity("ReLU", f"relu_param {{ negative_slope: {slope} }}", [(1, 3, 4, 5)], relu(slope))


def test_two_bottoms(one_layer):
    with pytest.raises(ProtofaceError, match=r"layer 'layer' \(ReLU\): has 2 bottoms, Caffe takes 1"):
        build_graph(one_layer("ReLU", "", [(1, 2), (1, 2)]), "net")
