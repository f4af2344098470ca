"""Tile along any axis."""

import numpy as np
import pytest

from protoface.converters import ProtofaceError, build_graph


@pytest.mark.parametrize("tiles", [1, 3])
@pytest.mark.parametrize(
    ("axis", "shape"), [(1, (1, 2)), (1, (1, 2, 3, 4)), (2, (1, 2, 3, 4)), (-1, (1, 2, 3))]
)
def test_axis(parity, axis, shape, tiles):
    parity(
        "Tile",
        f"tile_param {{ axis: {axis} tiles: {tiles} }}",
        [shape],
        lambda bottoms, blobs: np.concatenate([bottoms[0]] * tiles, axis),
    )


def test_axis_1_is_the_default(parity):
    parity(
        "Tile",
        "tile_param { tiles: 2 }",
        [(1, 2, 3)],
        lambda bottoms, blobs: np.tile(bottoms[0], (1, 2, 1)),
    )


def test_the_batch(parity):
    options = "tile_param { axis: 0 tiles: 2 }"
    parity("Tile", options, [(2, 3)], lambda bottoms, blobs: np.tile(bottoms[0], (2, 1)), batches=[2])


@pytest.mark.parametrize(
    ("options", "shapes", "message"),
    [
        ("", [(1, 2)], "tiles must be at least 1"),
        ("tiles: -1", [(1, 2)], "tiles must be at least 1"),
        ("tiles: 2 axis: 2", [(1, 2)], "axis 2 is outside"),
        ("tiles: 2", [(1, 2), (1, 2)], "has 2 bottoms"),
    ],
)
def test_bad_options(one_layer, options, shapes, message):
    net = one_layer("Tile", f"tile_param {{ {options} }}", shapes)
    with pytest.raises(ProtofaceError, match=rf"layer 'layer' \(Tile\): .*{message}"):
        build_graph(net, "net")
