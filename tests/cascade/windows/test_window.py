"""The convention of windows."""

import numpy as np
import pytest

from protoface.cascade.windows.window import Window, centred, picture_window


def test_a_window_of_whole_numbers_is_a_slice():
    image = np.zeros((30, 40, 3), np.uint8)
    assert picture_window(image) == Window(0, 0, 40, 30)
    assert picture_window(image[10:20, 5:12]) == Window(0, 0, 7, 10)


def test_less_than_a_pixel_is_empty():
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
