"""Permute, with axes left out."""

import pytest

from protoface.converters import ProtofaceError, build_graph

SHAPE = (1, 2, 3, 4)


@pytest.mark.parametrize(
    ("order", "whole"),
    [
        ([0, 2, 3, 1], [0, 2, 3, 1]),
        ([0, 3, 1, 2], [0, 3, 1, 2]),
        ([], [0, 1, 2, 3]),
        ([0, 3], [0, 3, 1, 2]),
        ([0, 1, 2, 3], [0, 1, 2, 3]),
    ],
)
def test_order(parity, order, whole):
    options = f"permute_param {{ order: {order} }}"
    parity("Permute", options, [SHAPE], lambda bottoms, blobs: bottoms[0].transpose(whole))


def test_three_axes(parity):
    parity(
        "Permute",
        "permute_param { order: [0, 2, 1] }",
        [(1, 3, 4)],
        lambda bottoms, blobs: bottoms[0].transpose(0, 2, 1),
    )


def test_the_batch_moves(parity):
    parity(
        "Permute",
        "permute_param { order: [1, 0, 2, 3] }",
        [(2, 3, 4, 5)],
        lambda bottoms, blobs: bottoms[0].transpose(1, 0, 2, 3),
        batches=[2],
    )


@pytest.mark.parametrize(
    ("options", "shapes", "message"),
    [
        ("order: [0, 4]", [SHAPE], "must name axes of its bottom"),
        ("order: [1, 1]", [SHAPE], "each once"),
        ("", [SHAPE, SHAPE], "has 2 bottoms"),
    ],
)
def test_bad_options(one_layer, options, shapes, message):
    net = one_layer("Permute", f"permute_param {{ {options} }}", shapes)
    with pytest.raises(ProtofaceError, match=rf"layer 'layer' \(Permute\): .*{message}"):
        build_graph(net, "net")
