"""Reshape with every option."""

import pytest

from protoface.converters import ProtofaceError, build_graph

SHAPE = (1, 6, 4, 5)


@pytest.mark.parametrize(
    ("options", "shape"),
    [
        ("shape { dim: [0, -1] }", (-1, 120)),
        ("shape { dim: [0, 0, -1] }", (-1, 6, 20)),
        ("shape { dim: [-1, 6, 5, 4] }", (-1, 6, 5, 4)),
        ("shape { dim: [0, 3, 2, 20] }", (-1, 3, 2, 20)),
        ("shape { dim: [0, 0, 0, 0] }", (-1, 6, 4, 5)),
        ("shape { dim: [0, 0, 0, 0, 1] }", (-1, 6, 4, 5, 1)),
        ("axis: 1 shape { dim: [-1] }", (-1, 120)),
        ("axis: 1 shape { dim: [0, 20] }", (-1, 6, 20)),
        ("axis: 1 num_axes: 1 shape { dim: [2, 3] }", (-1, 2, 3, 4, 5)),
        ("axis: 1 num_axes: 2 shape { dim: [-1] }", (-1, 24, 5)),
        ("axis: 1 num_axes: 0 shape { dim: [1] }", (-1, 1, 6, 4, 5)),
        ("axis: -1 shape { dim: [1] }", (-1, 6, 4, 5, 1)),
        ("axis: -2 shape { dim: [-1] }", (-1, 6, 4, 5)),
        ("axis: -3 num_axes: 2 shape { dim: [2, 10] }", (-1, 6, 2, 10)),
        ("num_axes: 0 shape { dim: [1] }", (1, -1, 6, 4, 5)),
    ],
)
def test_options(parity, options, shape):
    parity(
        "Reshape",
        f"reshape_param {{ {options} }}",
        [SHAPE],
        lambda bottoms, blobs: bottoms[0].reshape(shape),
    )


def test_a_matrix(parity):
    options = "reshape_param { shape { dim: [0, 2, 3, 1] } }"
    parity("Reshape", options, [(1, 6)], lambda bottoms, blobs: bottoms[0].reshape(-1, 2, 3, 1))


def test_the_batch_may_be_part_of_it(parity):
    options = "reshape_param { shape { dim: [-1, 10] } }"
    parity("Reshape", options, [SHAPE], lambda bottoms, blobs: bottoms[0].reshape(-1, 10))


@pytest.mark.parametrize(
    ("options", "shapes", "message"),
    [
        ("shape { dim: [-1, -1] }", [SHAPE], "may hold one -1"),
        ("shape { dim: [-2] }", [SHAPE], "may hold one -1"),
        ("shape { dim: [0, 7] }", [SHAPE], "does not fit into"),
        ("shape { dim: [7, -1] }", [SHAPE], "does not fit into"),
        ("shape { dim: [0, 0, 0, 0, 0] }", [SHAPE], "keeps by 0 an axis"),
        ("axis: 5 shape { dim: [1] }", [SHAPE], "axis 5 and num_axes -1 do not fit"),
        ("axis: 1 num_axes: 4 shape { dim: [1] }", [SHAPE], "num_axes 4 do not fit"),
        ("num_axes: -2 shape { dim: [1] }", [SHAPE], "num_axes -2"),
    ],
)
def test_bad_options(one_layer, options, shapes, message):
    net = one_layer("Reshape", f"reshape_param {{ {options} }}", shapes)
    with pytest.raises(ProtofaceError, match=rf"layer 'layer' \(Reshape\): .*{message}"):
        build_graph(net, "net")
