"""What a net sees: OpenCV's own resizing for whole windows, exact positions for the others."""

import cv2
import numpy as np
import pytest
import torch
from scipy.ndimage import map_coordinates

from protoface.cascade.windows.sampling import blocks, resample, sampling_matrix, shrunk_blocks
from protoface.cascade.windows.window import Image as Picture
from protoface.cascade.windows.window import Window, centred, picture_window, to_picture

TURNED = [centred(120.3, 90.8, 80, 30), centred(121, 95, 150.6, -75), centred(10, 190, 61.5, 170)]


@pytest.fixture
def photo() -> Picture:
    """Smooth, so that a position rounded to 1/32 pixel hardly shows."""
    noise = np.random.default_rng(0).integers(0, 256, (200, 250, 3), np.uint8)
    return cv2.normalize(cv2.GaussianBlur(noise, (0, 0), 4), None, 0, 255, cv2.NORM_MINMAX)


@pytest.fixture
def ramp() -> np.ndarray:
    """Blue = column, green = row, so that a resampled value says where it was taken."""
    rows, columns = np.mgrid[:200, :250]
    return np.dstack([columns, rows, columns]).astype(np.uint8)


def test_a_window_of_whole_pixels_is_resized_as_opencv_resizes_its_slice():
    image = np.random.default_rng(0).integers(0, 256, (120, 160, 3), np.uint8)
    image = cv2.GaussianBlur(image, (0, 0), 3)
    ours = resample(image, Window(20, 30, 96, 72), 48, 48, cv2.INTER_LINEAR)
    theirs = cv2.resize(image[30:102, 20:116], (48, 48))
    # positions are rounded to 1/32 pixel by warpAffine, and the edge looks one pixel beyond the slice
    assert np.abs(ours.astype(int) - theirs)[1:-1, 1:-1].max() <= 2


@pytest.mark.parametrize("window", [Window(10.3, 20.7, 90.5, 90.5), Window(0, 0, 48.25, 60)])
def test_sub_pixel_windows_are_taken_where_they_say(window, ramp):
    pixels = resample(ramp, window, 48, 48, cv2.INTER_LINEAR)
    for axis, start, size in ((1, window.x, window.width), (0, window.y, window.height)):
        expected = start + (np.arange(48) + 0.5) * size / 48 - 0.5
        found = pixels[:, :, 1 - axis].mean(axis=1 - axis)
        np.testing.assert_allclose(found, np.clip(expected, 0, None), atol=0.55)


@pytest.mark.parametrize("window", [*TURNED, Window(10.3, 20.7, 90.5, 60.5)])
def test_a_window_is_sampled_as_pytorch_samples_it(window, photo):
    """grid_sample without align_corners: -1 and 1 are the outer edges of the picture."""
    rows, columns = photo.shape[:2]
    # net's pixel centres in [-1, 1] between the window's outer edges, then into the picture's
    theta = torch.eye(2, 3, dtype=torch.float64)[None]
    grid = torch.nn.functional.affine_grid(theta, [1, 3, 24, 32], align_corners=False)
    (x, y), (cos, sin) = window.centre, window.direction
    rotation = torch.tensor([[cos, -sin], [sin, cos]], dtype=torch.float64)
    half = torch.tensor([window.width, window.height], dtype=torch.float64) / 2
    centre, size = torch.tensor([x + 0.5, y + 0.5]), torch.tensor([columns, rows])
    grid = ((grid * half) @ rotation.T + centre) / size * 2 - 1
    planes = torch.from_numpy(photo).permute(2, 0, 1)[None].double()
    expected = torch.nn.functional.grid_sample(
        planes, grid, "bilinear", padding_mode="border", align_corners=False
    )
    found = resample(photo, window, 24, 32, cv2.INTER_LINEAR)
    np.testing.assert_allclose(found, expected[0].permute(1, 2, 0), atol=1.6)


@pytest.mark.parametrize("interpolation", [cv2.INTER_LINEAR, cv2.INTER_AREA])
@pytest.mark.parametrize("window", [*TURNED, centred(100, 100, 150.3, 1e-9)])
def test_a_net_that_answers_a_position_is_right(window, interpolation, ramp):
    """The value seen at the net's pixel (c, r) is the place in the picture by `to_picture`."""
    c, r = 7, 16
    pixel = resample(ramp, window, 24, 24, interpolation)[r, c]
    # outer edges coincide: the pixel's centre in pixels of the window, from its first pixel's centre
    output = ((np.array([c, r]) + 0.5) * window.width / 24 - 0.5) / (window.width - 1) * 2 - 1
    where = to_picture(output.astype(np.float32), window)[0]
    np.testing.assert_allclose(pixel[:2], np.clip(where, 0, (249, 199)), atol=1.1)


@pytest.mark.parametrize(
    ("window", "fx", "fy"), [(Window(20, 30, 96, 72), 4, 3), (Window(3, 0, 24, 168), 1, 7)]
)
def test_area_is_the_mean_of_the_window_where_the_factor_is_whole(window, fx, fy):
    image = np.random.default_rng(0).integers(0, 256, (200, 250, 3), np.uint8)
    found = resample(image, window, 24, 24, cv2.INTER_AREA)
    x, y, width, height = (int(value) for value in window.tolist())
    part = image[y : y + height, x : x + width].reshape(24, fy, 24, fx, 3)
    np.testing.assert_allclose(found, part.mean((1, 3)), atol=0.51)


def test_area_of_a_quarter_turn_is_the_turned_mean():
    image = np.random.default_rng(0).integers(0, 256, (200, 250, 3), np.uint8)
    upright, turned = (
        resample(image, centred(99.5, 79.5, 96, angle), 24, 24, cv2.INTER_AREA) for angle in (0, 90)
    )
    # clockwise by 90 degrees: the window's rows run down the picture
    difference = np.abs(np.rot90(upright).astype(int) - turned)
    assert difference.max() <= 8  # positions are rounded to 1/32 of a block


@pytest.mark.parametrize("window", [*TURNED, Window(30.7, 20.2, 120.5, 125.9)])
def test_area_is_block_means_sampled_linearly(window):
    """The definition in floats: means of f x f pixels from the corner of the window's bounds, SciPy."""
    image = np.random.default_rng(0).integers(0, 256, (200, 250, 3), np.uint8)
    image, size = cv2.GaussianBlur(image, (0, 0), 2), 16
    factor, edge = int(min(window.width, window.height) / size), 200
    half = np.array([window.width, window.height]) / 2
    cos, sin = window.direction
    reach = np.abs([[cos, sin], [sin, cos]]) @ half
    left, top = np.floor(window.centre - reach + 0.5 + 1e-9).astype(int)
    padded = np.pad(image, ((edge, edge), (edge, edge), (0, 0)), "edge").astype(float)
    blocks = padded[top + edge :, left + edge :][: 24 * factor, : 24 * factor]
    means = blocks.reshape(24, factor, 24, factor, 3).mean((1, 3))
    c, r = np.meshgrid(np.arange(size), np.arange(size))
    u, v = (c + 0.5 - size / 2) / size * 2 * half[0], (r + 0.5 - size / 2) / size * 2 * half[1]
    x, y = window.centre[0] + u * cos - v * sin, window.centre[1] + u * sin + v * cos
    where = [(y - top + 0.5) / factor - 0.5, (x - left + 0.5) / factor - 0.5]
    expected = [map_coordinates(means[..., k], where, order=1, mode="nearest") for k in range(3)]
    found = resample(image, window, size, size, cv2.INTER_AREA)
    # OpenCV's positions are rounded to 1/32 of a block, values to whole numbers twice
    np.testing.assert_allclose(found, np.dstack(expected), atol=3)


@pytest.mark.parametrize("kind", [cv2.INTER_LINEAR, cv2.INTER_AREA])
@pytest.mark.parametrize("x", [-60, -25.5, 0, 130, 262.2, 300])
@pytest.mark.parametrize("angle", [0, 33])
def test_beyond_the_picture_its_edge_repeats(x, angle, kind, photo):
    """The same as a picture that is really padded, by more than the window reaches."""
    padded = cv2.copyMakeBorder(photo, 240, 240, 240, 240, cv2.BORDER_REPLICATE)
    inside = resample(padded, centred(x + 240, 40 + 240, 100, angle), 24, 24, kind)
    found = resample(photo, centred(x, 40, 100, angle), 24, 24, kind)
    assert np.abs(found.astype(int) - inside).max() <= 4  # blocks may start elsewhere


@pytest.mark.parametrize("size", [(200, 250), (192, 240), (201, 123), (20, 30)])
def test_a_whole_picture_by_area_is_nearly_opencvs(size, photo):
    """OpenCV weights the pixels that a pixel of the net shares with the next; ours are sampled."""
    image = cv2.resize(cv2.GaussianBlur(photo, (0, 0), 12), size[::-1])
    found = resample(image, picture_window(image.shape[:2]), 24, 24, cv2.INTER_AREA)
    expected = cv2.resize(image, (24, 24), interpolation=cv2.INTER_AREA)
    if min(size) < 24:  # enlarged, if in one direction only
        expected = cv2.resize(image, (24, 24))
    difference = np.abs(found.astype(int) - expected)
    assert difference.mean() < 2
    if size == (192, 240):  # whole factors
        assert difference.max() <= 2


@pytest.mark.parametrize("window", [*TURNED, Window(10.3, 20.7, 90.5, 60.5), Window(0, 0, 3, 4)])
def test_the_matrix_takes_corners_to_corners(window):
    """The outer corners of the net's input lie on those of the window, turned about its centre."""
    corners = np.array([(-0.5, -0.5, 1), (31.5, -0.5, 1), (31.5, 23.5, 1), (-0.5, 23.5, 1)])
    found = corners @ sampling_matrix(window, 24, 32).T
    half = np.array([window.width, window.height]) / 2
    cos, sin = window.direction
    turn = np.array([(cos, sin), (-sin, cos)])
    expected = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]) * half @ turn + window.centre
    np.testing.assert_allclose(found, expected, atol=1e-9)


@pytest.mark.parametrize(
    ("start", "stop", "factor", "length", "expected"),
    [
        (0, 96, 4, 250, (0, 96)),  # whole blocks
        (10.2, 50.9, 4, 250, (10, 54)),  # the last one begins inside
        (-3.5, 10, 4, 250, (-4, 12)),  # a little beyond the edge
        (-500, 10, 4, 250, (-8, 12)),  # far beyond: two blocks of repeated edge and no more
        (200, 900, 7, 250, (200, 263)),  # beyond the other edge
        (400, 500, 3, 250, (249, 255)),  # all of it beyond
        (5.5, 5.6, 1, 250, (5, 6)),  # at least one
    ],
)
def test_blocks_by_hand(start, stop, factor, length, expected):
    assert blocks(start, stop, factor, length) == expected


@pytest.mark.parametrize("seed", range(30))
def test_blocks_cover_what_there_is_of_a_window(seed):
    generator = np.random.default_rng(seed)
    start = float(generator.uniform(-300, 400))
    stop, factor = start + float(generator.uniform(1, 400)), int(generator.integers(1, 12))
    first, last = blocks(start, stop, factor, 250)
    assert (last - first) % factor == 0
    assert last > first
    if start < 250:
        assert first <= max(start, 0) or first < start  # nothing of the picture is left out before it
    assert last >= min(stop, 250)
    # the blocks lie as they would without an end of the picture
    assert (first - int(np.floor(start))) % factor == 0 or start > 249


@pytest.mark.parametrize(("fx", "fy"), [(1, 1), (2, 2), (3, 3), (4, 4), (8, 8), (3, 5), (6, 2)])
def test_shrunk_blocks_are_means_of_blocks(fx, fy):
    """Beyond the picture its edge is repeated; by 2 x 2 it is rounded after every step."""
    image = np.random.default_rng(0).integers(0, 256, (40, 50, 3), np.uint8)
    left, top, columns, rows = -2 * fx, 7, 6, 5
    found = shrunk_blocks(image, (left, left + columns * fx), (top, top + rows * fy), fx, fy)
    padded = np.pad(image, ((60, 60), (60, 60), (0, 0)), "edge").astype(float)
    part = padded[top + 60 :, left + 60 :][: rows * fy, : columns * fx]
    means = part.reshape(rows, fy, columns, fx, 3).mean((1, 3))
    np.testing.assert_allclose(found, means, atol=1.5 if fx == fy == 8 else 1.01)
