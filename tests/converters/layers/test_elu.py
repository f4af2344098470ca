"""ELU."""

import numpy as np
import pytest

from protoface.converters import ProtofaceError, build_graph

SHAPES = [(1, 6), (1, 3, 4), (1, 3, 4, 5)]


@pytest.mark.parametrize("alpha", [1, 0.5, 2])
@pytest.mark.parametrize("shape", SHAPES)
def test_alpha(parity, shape, alpha):
    def elu(bottoms, blobs):
        x = bottoms[0]
        return np.where(x > 0, x, alpha * (np.exp(x) - 1))

    parity("ELU", f"elu_param {{ alpha: {alpha} }}", [shape], elu)


def test_alpha_is_1_by_default(parity):
    parity(
        "ELU",
        "",
        [(1, 6)],
        lambda bottoms, blobs: np.where(bottoms[0] > 0, bottoms[0], np.exp(bottoms[0]) - 1),
    )


def test_two_bottoms(one_layer):
    net = one_layer("ELU", "", [(1, 4), (1, 4)])
    with pytest.raises(ProtofaceError, match=r"layer 'layer' \(ELU\): has 2 bottoms, Caffe takes 1"):
        build_graph(net, "net")
