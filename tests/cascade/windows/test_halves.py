"""Halves of a picture: what they hold, how often they are taken, what they cost."""

import tracemalloc

import cv2
import numpy as np
import pytest

from protoface.cascade.windows.halves import LEFT, Halves, halves, halvings


def picture(rows: int, columns: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (rows, columns, 3), np.uint8)


def means(image: np.ndarray, fx: int, fy: int) -> np.ndarray:
    """Means of fy x fx pixels in floats, the picture's edge repeated as far as the last ones reach."""
    rows, columns = -(-image.shape[0] // fy), -(-image.shape[1] // fx)
    more = (0, rows * fy - image.shape[0]), (0, columns * fx - image.shape[1]), (0, 0)
    return np.pad(image, more, "edge").astype(float).reshape(rows, fy, columns, fx, 3).mean((1, 3))


@pytest.mark.parametrize("shape", [(64, 96), (61, 97), (1, 37), (37, 1), (1, 1), (2, 3)])
@pytest.mark.parametrize("times", [(0, 0), (1, 1), (2, 2), (1, 0), (0, 2), (3, 1), (2, 4)])
def test_a_half_holds_means(shape, times):
    """Of an odd number of pixels the last counts twice; each halving rounds by half a level at most."""
    image = picture(*shape)
    half = Halves(image).half(*times)
    expected = image
    both = min(times)
    steps = [(2, 2)] * both + [(2, 1)] * (times[0] - both) + [(1, 2)] * (times[1] - both)
    for fx, fy in steps:
        expected = means(expected, fx, fy)
    assert half.shape == expected.shape
    np.testing.assert_allclose(half, expected, atol=0.51 * max(1, len(steps)))


def test_two_by_two_is_opencvs():
    image = picture(48, 64)
    expected = cv2.resize(image, (32, 24), interpolation=cv2.INTER_AREA)
    np.testing.assert_array_equal(Halves(image).half(1, 1), expected)


def test_a_half_is_made_once_and_the_picture_stays():
    image = picture(9, 7)
    before = image.copy()
    shared = Halves(image)
    assert shared.half(0, 0) is image
    assert shared.half(2, 2) is shared.half(2, 2)
    assert shared.half(1, 1).base is None or shared.half(1, 1).base is not image
    np.testing.assert_array_equal(image, before)
    assert halves(shared) is shared
    assert halves(image).image is image


@pytest.mark.parametrize("scale", [0.01, 0.5, 1, 1.49, 1.5, 2, 2.99, 3, 5, 5.99, 6, 100, 20833.3])
def test_what_is_left_to_sample(scale):
    """0.75 to 1.5 pixels of the half for each of the net, less only where there is nothing to halve."""
    times = halvings(scale)
    assert scale / 2**times < LEFT
    assert times == 0 or scale / 2**times >= LEFT / 2


def test_halves_take_half_a_pictures_memory_at_most():
    """A third by 2 x 2; a picture of one row has halves of its own length in sum."""
    for shape, most in (((2000, 3000), 0.4), ((1, 4_000_000), 1.1)):
        image = picture(*shape)
        tracemalloc.start()
        Halves(image).half(10, 10 if shape[0] > 1 else 0)
        used = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert used < most * image.nbytes + 100_000
