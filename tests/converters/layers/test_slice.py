"""Slice at given points and into equal parts."""

import numpy as np
import pytest

from protoface.converters import ProtofaceError, build_graph

SHAPE = (1, 6, 4, 5)


def cut(axis, *points):
    return lambda bottoms, blobs: np.split(bottoms[0], points, axis)


@pytest.mark.parametrize(
    ("options", "tops", "axis", "points"),
    [
        ("", 2, 1, [3]),
        ("", 3, 1, [2, 4]),
        ("slice_point: 1", 2, 1, [1]),
        ("slice_point: 1 slice_point: 4", 3, 1, [1, 4]),
        ("axis: 2", 2, 2, [2]),
        ("axis: -1 slice_point: 2", 2, 3, [2]),
        ("slice_dim: 3 slice_point: 1 slice_point: 2", 3, 3, [1, 2]),
    ],
)
def test_options(parity, options, tops, axis, points):
    parity("Slice", f"slice_param {{ {options} }}", [SHAPE], cut(axis, *points), tops)


def test_a_single_top_is_a_copy(parity):
    parity("Slice", "", [SHAPE], lambda bottoms, blobs: bottoms[0])


def test_the_batch(parity):
    options = "slice_param { axis: 0 slice_point: 1 }"
    parity("Slice", options, [(3, 4)], cut(0, 1), tops=2, batches=[3])


def sum_of_halves(x):
    return x[:, :3] + np.maximum(x[:, 3:], 0)


def test_parts_that_are_read_again(agree, net_of):
    net = net_of("""
        layer { name: 'x' type: 'Input' top: 'x' input_param { shape { dim: [1, 6, 3, 3] } } }
        layer { name: 's' type: 'Slice' bottom: 'x' top: 'a' top: 'b' slice_param { slice_point: 3 } }
        layer { name: 'r' type: 'ReLU' bottom: 'b' top: 'b' }
        layer { name: 'e' type: 'Eltwise' bottom: 'a' bottom: 'b' top: 'y' }""")
    agree(net, lambda feed: {"y": sum_of_halves(feed["x"].astype(np.float64))})


@pytest.mark.parametrize(
    ("options", "tops", "message"),
    [
        ("", 4, "cannot cut 6 into 4 equal parts"),
        ("slice_point: 1", 3, "1 slice_point for 3 tops"),
        ("slice_point: 6", 2, "must rise"),
        ("slice_point: 0", 2, "must rise"),
        ("slice_point: 3 slice_point: 2", 3, "must rise"),
        ("axis: 4", 2, "axis 4 is outside"),
        ("axis: 1 slice_dim: 1", 2, "both axis and slice_dim"),
    ],
)
def test_bad_options(one_layer, options, tops, message):
    net = one_layer("Slice", f"slice_param {{ {options} }}", [SHAPE], tops)
    with pytest.raises(ProtofaceError, match=rf"layer 'layer' \(Slice\): .*{message}"):
        build_graph(net, "net")
