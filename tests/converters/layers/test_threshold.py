"""Threshold."""

import pytest

from protoface.converters import ProtofaceError, build_graph

SHAPES = [(1, 6), (1, 3, 4), (1, 3, 4, 5)]


@pytest.mark.parametrize("threshold", [0.5, -1, 3])
@pytest.mark.parametrize("shape", SHAPES)
def test_threshold(parity, shape, threshold):
    options = f"threshold_param {{ threshold: {threshold} }}"
    parity("Threshold", options, [shape], lambda bottoms, blobs: (bottoms[0] > threshold) * 1.0)


def test_zero_is_the_default_and_not_above_itself(agree, net_of):
    """ReLU makes exact zeros."""
    net = net_of("""
        layer { name: 'x' type: 'Input' top: 'x' input_param { shape { dim: [1, 2, 3, 3] } } }
        layer { name: 'r' type: 'ReLU' bottom: 'x' top: 'r' }
        layer { name: 't' type: 'Threshold' bottom: 'r' top: 'y' }""")
    agree(net, lambda feed: {"y": (feed["x"] > 0) * 1.0})


def test_two_bottoms(one_layer):
    net = one_layer("Threshold", "", [(1, 4), (1, 4)])
    with pytest.raises(
        ProtofaceError, match=r"layer 'layer' \(Threshold\): has 2 bottoms, Caffe takes 1"
    ):
        build_graph(net, "net")
