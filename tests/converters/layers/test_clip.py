"""Clip."""

import numpy as np
import pytest

from protoface.converters import ProtofaceError, build_graph

SHAPES = [(1, 6), (1, 3, 4), (1, 3, 4, 5)]


@pytest.mark.parametrize(("low", "high"), [(-0.5, 0.75), (0, 1), (0.25, 0.25), (-9, 9)])
@pytest.mark.parametrize("shape", SHAPES)
def test_bounds(parity, shape, low, high):
    options = f"clip_param {{ min: {low} max: {high} }}"
    parity("Clip", options, [shape], lambda bottoms, blobs: np.clip(bottoms[0], low, high))


@pytest.mark.parametrize(
    ("options", "message"),
    [("clip_param { min: 1 max: 0 }", "min 1 is above max 0"), ("", "must give min and max")],
)
def test_bad_bounds(one_layer, options, message):
    net = one_layer("Clip", options, [(1, 4)])
    with pytest.raises(ProtofaceError, match=rf"layer 'layer' \(Clip\): .*{message}"):
        build_graph(net, "net")
