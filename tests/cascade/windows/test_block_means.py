"""Blocks beyond a picture: the repeated edge counts as if it were there, and costs nothing."""

import numpy as np
import pytest

from protoface.cascade.windows.block_means import weighed_means


def straightforward(image, across, down, fx, fy):
    """The same by way of all of the repeated pixels."""
    rows, columns = image.shape[:2]
    y = np.clip(np.arange(*down), 0, rows - 1)
    x = np.clip(np.arange(*across), 0, columns - 1)
    blocks = image[y[:, None], x].reshape(len(y) // fy, fy, len(x) // fx, fx, 3)
    return blocks.mean((1, 3))


@pytest.mark.parametrize("shape", [(1, 50), (50, 1), (2, 3), (20, 30), (1, 1)])
@pytest.mark.parametrize(
    ("across", "down", "fx", "fy"),
    [
        ((-12, 60), (-24, 48), 6, 6),
        ((-7, 41), (-40, -20), 4, 5),
        ((45, 75), (-3, 117), 10, 60),
        ((0, 1), (0, 1), 1, 1),
        ((-200, 200), (-3, 5), 50, 8),
    ],
)
def test_means_are_those_of_the_repeated_edge(shape, across, down, fx, fy):
    image = np.random.default_rng(0).integers(0, 256, (*shape, 3), np.uint8)
    found = weighed_means(image, across, down, fx, fy)
    assert found.dtype == np.uint8
    np.testing.assert_allclose(found, straightforward(image, across, down, fx, fy), atol=0.501)


def test_the_work_is_that_of_the_pictures_pixels():
    """A window a million times as high as its picture: 10^12 pixels if its edge were copied."""
    image = np.random.default_rng(0).integers(0, 256, (1, 100_000, 3), np.uint8)
    side = 10**6
    found = weighed_means(image, (-side, 2 * side), (-side, 2 * side), side, side)
    assert found.shape == (3, 3, 3)
    rest = image[0, -1] * ((side - 100_000) / side)
    expected = image.sum((0, 1)) / side + rest
    np.testing.assert_allclose(found, [[image[0, 0], expected, image[0, -1]]] * 3, atol=1)


def test_a_part_of_white_stays_white():
    white = np.full((3, 70_000, 3), 255, np.uint8)
    assert (weighed_means(white, (-5, 69_995), (-9, 9), 70_000, 9) == 255).all()
