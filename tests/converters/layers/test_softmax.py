"""Softmax along any axis."""

import numpy as np
import pytest

from protoface.converters import ProtofaceError, build_graph


def softmax(axis):
    def reference(bottoms, blobs):
        powers = np.exp(bottoms[0] - bottoms[0].max(axis, keepdims=True))
        return powers / powers.sum(axis, keepdims=True)

    return reference


@pytest.mark.parametrize(
    ("shape", "axis"),
    [
        ((1, 6), 1),
        ((1, 3, 4, 5), 1),
        ((1, 3, 4, 5), 2),
        ((1, 3, 4, 5), 3),
        ((1, 3, 4, 5), -1),
        ((1, 3, 4), -2),
    ],
)
def test_axis(parity, shape, axis):
    parity("Softmax", f"softmax_param {{ axis: {axis} }}", [shape], softmax(axis))


def test_axis_1_is_the_default(parity):
    parity("Softmax", "", [(1, 3, 4, 5)], softmax(1))


def test_across_the_batch(parity):
    parity("Softmax", "softmax_param { axis: 0 }", [(2, 3)], softmax(0), batches=[2, 3])


def test_axis_outside(one_layer):
    net = one_layer("Softmax", "softmax_param { axis: 2 }", [(1, 4)])
    with pytest.raises(ProtofaceError, match=r"layer 'layer' \(Softmax\): axis 2 is outside"):
        build_graph(net, "net")
