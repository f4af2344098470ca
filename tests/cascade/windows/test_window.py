"""The convention of windows."""

import numpy as np
import pytest

from protoface.cascade.windows.window import (
    NOTHING,
    Window,
    centred,
    picture_window,
    to_picture,
    to_window,
)

TURNED = [centred(120.3, 90.8, 80, 30), centred(121, 95, 150.6, -75), centred(10, 190, 61.5, 170)]


def test_a_window_of_whole_numbers_is_a_slice():
    image = np.zeros((30, 40, 3), np.uint8)
    assert picture_window((30, 40)) == Window(0, 0, 40, 30)
    window = Window(5, 10, 7, 10)
    x, y, width, height = window.tolist()
    part = image[int(y) : int(y + height), int(x) : int(x + width)]
    assert picture_window(part.shape[:2]) == Window(0, 0, 7, 10)


def test_less_than_a_pixel_is_empty():
    assert NOTHING.empty
    assert Window(0, 0, 0, 5).empty
    assert Window(0, 0, 5, 0.99).empty
    assert Window(0, 0, float("nan"), 5).empty
    assert not Window(0.5, 0.5, 1, 1).empty


def test_as_a_list():
    assert Window(1, 2, 3, 4).tolist() == [1, 2, 3, 4]
    assert Window(1, 2, 3, 4, angle=5).tolist() == [1, 2, 3, 4, 5]


def test_a_window_around_a_centre():
    window = centred(10.5, 20, 6, 90)
    assert window == Window(8, 17.5, 6, 6, 90)
    assert window.centre == (10.5, 20)
    assert window.direction == pytest.approx((0, 1))  # its rows run down the picture


def test_points_go_to_the_window_and_back():
    window = Window(10.5, 20.25, 91, 61)
    points = np.array([(10.5, 20.25), (100.5, 80.25), (55.5, 50.25)], np.float32)
    output = np.array([(-1, -1), (1, 1), (0, 0)], np.float32)
    np.testing.assert_allclose(to_picture(output.reshape(-1), window), points, atol=1e-5)


@pytest.mark.parametrize("window", TURNED)
def test_turned_windows_and_back_to_a_ten_thousandth_pixel(window):
    truth = np.random.default_rng(0).uniform(0, 250, (5, 2))
    output = to_window(truth, window).astype(np.float32)
    np.testing.assert_allclose(to_picture(output, window), truth, atol=1e-4)


def test_points_of_patches_each_count_in_their_own():
    patches = (centred(20, 30, 11, 90), centred(50, 60, 11, 90))
    window = Window(0, 0, 81, 81, 90, patches)
    output = np.array([(0, 0), (1, 0)], np.float32)
    expected = [(20, 30), (50, 65)]  # half of the patch down the picture, as it is turned by 90 degrees
    np.testing.assert_allclose(to_picture(output.reshape(-1), window), expected, atol=1e-5)
    np.testing.assert_allclose(to_window(np.array(expected), window), output, atol=1e-9)
