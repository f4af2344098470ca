"""Faithful mode: the original's rounding, worked out by hand. Real Caffe is in test_cascade.py."""

import cv2
import numpy as np
import pytest

from protoface.cascade.windows import faithful
from protoface.cascade.windows.window import Window

POINTS = np.array([(300, 300), (330, 340)], np.float32)  # 50 pixels apart


def test_a_square_is_one_pixel_wider_than_its_side():
    size = (600, 600)
    assert faithful.square(size, POINTS, around=0, a=0, b=1, k=4) == Window(200, 200, 201, 201)


def test_at_the_far_edge_the_extra_pixel_is_lost():
    size = (380, 360)
    assert faithful.square(size, POINTS, around=0, a=0, b=1, k=4) == Window(200, 200, 160, 180)


def test_at_the_near_edge_it_is_kept():
    size = (600, 600)
    near = POINTS - 250
    assert faithful.square(size, near, around=0, a=0, b=1, k=4) == Window(0, 0, 151, 151)


def test_halves_are_rounded_to_even():
    size = (600, 600)
    points = np.array([(100.5, 101.5), (100.5, 101.5)], np.float32)
    assert faithful.square(size, points, 0, 0, 1, k=4) == Window(100, 102, 1, 1)


@pytest.mark.parametrize("x", [700, -700, np.nan, np.inf, 1e30])
def test_outside_the_picture_it_is_empty(x):
    size = (600, 600)
    points = np.array([(x, 300), (x, 310)], np.float32)
    assert faithful.square(size, points, 0, 0, 1, k=4).empty


def test_resizing_is_done_in_float():
    image = np.random.default_rng(0).integers(0, 256, (31, 47, 3), np.uint8)
    window = Window(3, 2, 40, 20)
    expected = cv2.resize(image[2:22, 3:43].astype(np.float32), (48, 48))
    found = faithful.resample(image, window, 48, 48, cv2.INTER_LINEAR)
    np.testing.assert_array_equal(found, expected)
    assert (found != np.round(found)).any()


def test_points_are_whole_pixels_around_an_integer_centre():
    found = faithful.to_picture(np.array([0, 0, 1, -1], np.float32), Window(10, 20, 50, 61))
    np.testing.assert_array_equal(found, [(34, 50), (58, 20)])  # (50 - 1) // 2 = 24


def test_a_given_box_is_rounded_and_clamped():
    """Halves to the even pixel, as NumPy rounds, and in float32."""
    size = (60, 100)
    assert faithful.box(size, 10.5, 11.5, 20, 20) == Window(10, 12, 20, 20)
    assert faithful.box(size, -5.2, 10, 50, 70) == Window(0, 10, 45, 50)
    assert faithful.box(size, 20, 10, 5.4, 5.6) == Window(20, 10, 5, 6)
    for x, y in ((200, 0), (-90, 0), (0, 70), (np.nan, 0), (np.inf, 0)):
        assert faithful.box(size, x, y, 50, 50).empty


@pytest.mark.parametrize("way", [cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_NEAREST])
def test_a_large_window_is_resized_channel_by_channel_to_the_same_numbers(way, monkeypatch):
    image = np.random.default_rng(0).integers(0, 256, (301, 517, 3), np.uint8)
    window = Window(3, 5, 400, 290)
    expected = faithful.resample(image, window, 48, 40, way)
    monkeypatch.setattr(faithful, "MANY", 1)
    np.testing.assert_array_equal(faithful.resample(image, window, 48, 40, way), expected)


@pytest.mark.parametrize("shape", [(1, 1_000_000), (1_000_000, 1), (2, 3_000_000)])
def test_a_thin_picture_is_resized(shape):
    image = np.zeros((*shape, 3), np.uint8)
    image[shape[0] // 2 :, shape[1] // 2 :] = 200
    seen = faithful.resample(image, Window(0, 0, shape[1], shape[0]), 48, 48, cv2.INTER_LINEAR)
    assert seen.shape == (48, 48, 3)
    assert (seen[-1, -1] == 200).all()
