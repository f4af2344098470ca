"""Faithful mode: the original's rounding, worked out by hand. Real Caffe is in test_detector.py."""

import cv2
import numpy as np
import pytest

from protoface.cascade.windows import faithful
from protoface.cascade.windows.window import Window

POINTS = np.array([(300, 300), (330, 340)], np.float32)  # 50 pixels apart


def test_a_square_is_one_pixel_wider_than_its_side():
    image = np.zeros((600, 600, 3), np.uint8)
    assert faithful.square(image, POINTS, around=0, a=0, b=1, k=4) == Window(200, 200, 201, 201)


def test_at_the_far_edge_the_extra_pixel_is_lost():
    image = np.zeros((380, 360, 3), np.uint8)
    assert faithful.square(image, POINTS, around=0, a=0, b=1, k=4) == Window(200, 200, 160, 180)


def test_at_the_near_edge_it_is_kept():
    image = np.zeros((600, 600, 3), np.uint8)
    near = POINTS - 250
    assert faithful.square(image, near, around=0, a=0, b=1, k=4) == Window(0, 0, 151, 151)


def test_halves_are_rounded_to_even():
    image = np.zeros((600, 600, 3), np.uint8)
    points = np.array([(100.5, 101.5), (100.5, 101.5)], np.float32)
    assert faithful.square(image, points, 0, 0, 1, k=4) == Window(100, 102, 1, 1)


@pytest.mark.parametrize("x", [700, -700, np.nan, np.inf, 1e30])
def test_outside_the_picture_it_is_empty(x):
    image = np.zeros((600, 600, 3), np.uint8)
    points = np.array([(x, 300), (x, 310)], np.float32)
    assert faithful.square(image, points, 0, 0, 1, k=4).empty


def test_resizing_is_done_in_float():
    image = np.random.default_rng(0).integers(0, 256, (31, 47, 3), np.uint8)
    window = Window(3, 2, 40, 20)
    expected = cv2.resize(image[2:22, 3:43].astype(np.float32), (48, 48))
    found = faithful.resample(image, window, 48, 48, cv2.INTER_LINEAR)
    np.testing.assert_array_equal(found, expected)
    assert (found != np.round(found)).any()


def test_points_are_whole_pixels_around_an_integer_centre():
    found = faithful.place(np.array([0, 0, 1, -1], np.float32), Window(10, 20, 50, 61))
    np.testing.assert_array_equal(found, [(34, 50), (58, 20)])  # (50 - 1) // 2 = 24
