"""Clean mode: OpenCV's own resizing for whole windows, exact positions for the others."""

import cv2
import numpy as np
import pytest

from protoface.cascade import clean
from protoface.cascade.windows import Window


@pytest.fixture
def ramp() -> np.ndarray:
    """Blue = column, green = row, so that a resampled value says where it was taken."""
    rows, columns = np.mgrid[:200, :250]
    return np.dstack([columns, rows, columns]).astype(np.uint8)


def test_a_window_of_whole_pixels_is_resized_as_opencv_resizes_its_slice():
    image = np.random.default_rng(0).integers(0, 256, (120, 160, 3), np.uint8)
    image = cv2.GaussianBlur(image, (0, 0), 3)
    ours = clean.resample(image, Window(20, 30, 96, 72), 48, 48, cv2.INTER_LINEAR)
    theirs = cv2.resize(image[30:102, 20:116], (48, 48))
    # positions are rounded to 1/32 pixel by warpAffine, and the edge looks one pixel beyond the slice
    assert np.abs(ours.astype(int) - theirs)[1:-1, 1:-1].max() <= 2


@pytest.mark.parametrize("window", [Window(10.3, 20.7, 90.5, 90.5), Window(0, 0, 48.25, 60)])
def test_sub_pixel_windows_are_taken_where_they_say(window, ramp):
    pixels = clean.resample(ramp, window, 48, 48, cv2.INTER_LINEAR)
    for axis, start, size in ((1, window.x, window.width), (0, window.y, window.height)):
        expected = start + (np.arange(48) + 0.5) * size / 48 - 0.5
        found = pixels[:, :, 1 - axis].mean(axis=1 - axis)
        np.testing.assert_allclose(found, np.clip(expected, 0, None), atol=0.55)


def test_points_go_to_the_window_and_back():
    window = Window(10.5, 20.25, 91, 61)
    points = np.array([(10.5, 20.25), (100.5, 80.25), (55.5, 50.25)], np.float32)
    output = np.array([(-1, -1), (1, 1), (0, 0)], np.float32)
    np.testing.assert_allclose(clean.place(output.reshape(-1), window), points, atol=1e-5)


def test_windows_are_clipped_to_the_picture():
    image = np.zeros((60, 100, 3), np.uint8)
    assert clean.clip(image, -5, 10, 50, 70) == Window(0, 10, 45, 50)
    assert clean.clip(image, 20, 10, 5, 5) == Window(20, 10, 5, 5)
    for x, y in ((200, 0), (-90, 0), (0, 70), (np.nan, 0), (np.inf, 0)):
        assert clean.clip(image, x, y, 50, 50).empty


def test_a_square_by_hand():
    image = np.zeros((600, 600, 3), np.uint8)
    points = np.array([(300, 300), (330, 340)], np.float32)
    assert clean.square(image, points, around=0, a=0, b=1, k=2) == Window(250.5, 250.5, 100, 100)
