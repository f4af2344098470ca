"""Sampling of large pictures: what OpenCV computes of small ones, anywhere in a picture of any size."""

import cv2
import numpy as np
import pytest

from protoface.cascade.windows.large_pictures import SIDE, gather
from protoface.cascade.windows.sampling import resample, sampling_matrix
from protoface.cascade.windows.window import Window

WAYS = [cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_NEAREST]
WINDOWS = [Window(10.3, 20.7, 90.5, 60.5), Window(-40, -9, 400, 300), Window(60.2, 40.9, 70, 70, 33.0)]


@pytest.fixture
def photo() -> np.ndarray:
    noise = np.random.default_rng(0).integers(0, 256, (200, 250, 3), np.uint8)
    return cv2.normalize(cv2.GaussianBlur(noise, (0, 0), 4), None, 0, 255, cv2.NORM_MINMAX)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("window", WINDOWS)
def test_a_small_picture_is_sampled_as_opencv_does_it(photo, window, way):
    rule = sampling_matrix(window, 24, 32)
    flags = way | cv2.WARP_INVERSE_MAP
    expected = cv2.warpAffine(photo, rule, (32, 24), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    found = gather(photo, rule, 24, 32, way)
    # the nearest pixel is another one where a place lies between two
    close = np.abs(found.astype(int) - expected).max(axis=2) <= 2
    assert close.mean() > (0.97 if way == cv2.INTER_NEAREST else 0.999)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("tall", [False, True])
@pytest.mark.parametrize("at", [0, 60_000, 99_800])
def test_a_window_of_a_long_picture_is_what_its_part_shows(way, tall, at):
    noise = np.random.default_rng(1).integers(0, 256, (40, 50, 3), np.uint8)
    long = np.tile(cv2.GaussianBlur(noise, (0, 0), 3), (1, 2000, 1))
    part, window = long[:, at : at + 200], Window(30.25, 4.5, 100.5, 30, 5)
    if tall:
        long, part = (np.ascontiguousarray(one.transpose(1, 0, 2)) for one in (long, part))
        window = Window(4.5, 30.25, 30, 100.5, 5)
    moved = Window(window.x + at * (not tall), window.y + at * tall, window.width, window.height, 5)
    found, expected = (
        resample(image, one, 24, 24, way) for image, one in ((long, moved), (part, window))
    )
    close = np.abs(found.astype(int) - expected).max(axis=2) <= 3
    assert close.mean() > 0.97


@pytest.mark.parametrize("way", [*WAYS, cv2.INTER_AREA])
@pytest.mark.parametrize("shape", [(1, SIDE * 4), (SIDE * 4, 1), (2, SIDE + 5), (3, SIDE - 1)])
def test_windows_of_thin_pictures_show_their_colours(way, shape):
    """Halves of two colours, whatever the window: it reaches four times as far as the picture."""
    rows, columns = shape
    image = np.full((rows, columns, 3), (10, 20, 30), np.uint8)
    if columns > rows:
        image[:, columns // 2 :] = (200, 100, 50)
    else:
        image[rows // 2 :] = (200, 100, 50)
    side = 4.0 * max(shape)
    for window in (
        Window((columns - side) / 2, (rows - side) / 2, side, side),
        Window(0, 0, columns, rows),
        Window(0.5, 0, columns - 0.5, rows),
    ):
        seen = resample(image, window, 16, 16, way)
        turned = seen if columns > rows else seen.transpose(1, 0, 2)
        np.testing.assert_array_equal(turned[:, :6], np.broadcast_to((10, 20, 30), (16, 6, 3)))
        np.testing.assert_array_equal(turned[:, 10:], np.broadcast_to((200, 100, 50), (16, 6, 3)))
