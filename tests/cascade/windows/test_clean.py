"""Clean mode: OpenCV's own resizing for whole windows, exact positions for the others."""

import cv2
import numpy as np
import pytest
import torch
from scipy.ndimage import map_coordinates

from protoface.cascade.windows import clean
from protoface.cascade.windows.similarity_fit import complex_points
from protoface.cascade.windows.window import NOTHING, Window, centred, picture_window
from protoface.cascade.windows.window import Image as Picture

SHAPE = np.array([(-0.37, -0.41), (0.38, -0.42), (-0.01, 0.04), (-0.33, 0.39), (0.33, 0.4)])
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
    found = clean.resample(photo, window, 24, 32, cv2.INTER_LINEAR)
    np.testing.assert_allclose(found, expected[0].permute(1, 2, 0), atol=1.6)


@pytest.mark.parametrize("interpolation", [cv2.INTER_LINEAR, cv2.INTER_AREA])
@pytest.mark.parametrize("window", [*TURNED, centred(100, 100, 150.3, 1e-9)])
def test_a_net_that_answers_a_position_is_right(window, interpolation, ramp):
    """The value seen at the net's pixel (c, r) is the place in the picture that `place` gives it."""
    c, r = 7, 16
    pixel = clean.resample(ramp, window, 24, 24, interpolation)[r, c]
    # outer edges coincide: the pixel's centre in pixels of the window, from its first pixel's centre
    output = ((np.array([c, r]) + 0.5) * window.width / 24 - 0.5) / (window.width - 1) * 2 - 1
    place = clean.place(output.astype(np.float32), window)[0]
    np.testing.assert_allclose(pixel[:2], np.clip(place, 0, (249, 199)), atol=1.1)


@pytest.mark.parametrize(
    ("window", "fx", "fy"), [(Window(20, 30, 96, 72), 4, 3), (Window(3, 0, 24, 168), 1, 7)]
)
def test_area_is_the_mean_of_the_window_where_the_factor_is_whole(window, fx, fy):
    image = np.random.default_rng(0).integers(0, 256, (200, 250, 3), np.uint8)
    found = clean.resample(image, window, 24, 24, cv2.INTER_AREA)
    x, y, width, height = (int(value) for value in window.tolist())
    part = image[y : y + height, x : x + width].reshape(24, fy, 24, fx, 3)
    np.testing.assert_allclose(found, part.mean((1, 3)), atol=0.51)


def test_area_of_a_quarter_turn_is_the_turned_mean():
    image = np.random.default_rng(0).integers(0, 256, (200, 250, 3), np.uint8)
    upright, turned = (
        clean.resample(image, centred(99.5, 79.5, 96, angle), 24, 24, cv2.INTER_AREA)
        for angle in (0, 90)
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
    found = clean.resample(image, window, size, size, cv2.INTER_AREA)
    # OpenCV's positions are rounded to 1/32 of a block, values to whole numbers twice
    np.testing.assert_allclose(found, np.dstack(expected), atol=3)


@pytest.mark.parametrize("kind", [cv2.INTER_LINEAR, cv2.INTER_AREA])
@pytest.mark.parametrize("x", [-60, -25.5, 0, 130, 262.2, 300])
@pytest.mark.parametrize("angle", [0, 33])
def test_beyond_the_picture_its_edge_repeats(x, angle, kind, photo):
    """The same as a picture that is really padded, by more than the window reaches."""
    padded = cv2.copyMakeBorder(photo, 240, 240, 240, 240, cv2.BORDER_REPLICATE)
    inside = clean.resample(padded, centred(x + 240, 40 + 240, 100, angle), 24, 24, kind)
    found = clean.resample(photo, centred(x, 40, 100, angle), 24, 24, kind)
    assert np.abs(found.astype(int) - inside).max() <= 4  # blocks may start elsewhere


@pytest.mark.parametrize("size", [(200, 250), (192, 240), (201, 123), (20, 30)])
def test_a_whole_picture_by_area_is_nearly_opencvs(size, photo):
    """OpenCV weights the pixels that a pixel of the net shares with the next; ours are sampled."""
    image = cv2.resize(cv2.GaussianBlur(photo, (0, 0), 12), size[::-1])
    found = clean.resample(image, picture_window(image), 24, 24, cv2.INTER_AREA)
    expected = cv2.resize(image, (24, 24), interpolation=cv2.INTER_AREA)
    if min(size) < 24:  # enlarged, if in one direction only
        expected = cv2.resize(image, (24, 24))
    difference = np.abs(found.astype(int) - expected)
    assert difference.mean() < 2
    if size == (192, 240):  # whole factors
        assert difference.max() <= 2


@pytest.mark.parametrize("patch", [0, 0.3])
@pytest.mark.parametrize("upright", [True, False])
def test_a_similarity_window_and_back(upright, patch, photo):
    points = SHAPE.astype(np.float32) * 60 + np.float32((120, 90))
    window = clean.similarity(photo, points, complex_points(SHAPE), upright, patch)
    assert window.width == pytest.approx(121, abs=1e-3)
    assert len(window.patches) == (5 if patch else 0)
    truth = points + np.random.default_rng(0).normal(size=(5, 2)) * 5
    output = clean.unplace(truth, window).astype(np.float32)
    np.testing.assert_allclose(clean.place(output.reshape(-1), window), truth, atol=1e-4)
    if not patch:
        np.testing.assert_allclose(clean.unplace(points, window), SHAPE, atol=1e-5)
        return
    np.testing.assert_allclose(clean.unplace(points, window), np.zeros((5, 2)), atol=1e-5)
    for part, point in zip(window.patches, points, strict=True):
        assert part.centre == pytest.approx(tuple(point))
        assert part.width == pytest.approx(0.3 * 121, abs=1e-3)
        assert part.angle == window.angle


@pytest.mark.parametrize("window", TURNED)
def test_turned_windows_and_back_to_a_ten_thousandth_pixel(window):
    truth = np.random.default_rng(0).uniform(0, 250, (5, 2))
    output = clean.unplace(truth, window).astype(np.float32)
    np.testing.assert_allclose(clean.place(output, window), truth, atol=1e-4)


@pytest.mark.parametrize(
    "points",
    [
        np.zeros((5, 2)),
        np.full((5, 2), np.nan),
        np.full((5, 2), np.inf),
        SHAPE * 1e-3,
        SHAPE * 1e4,
        SHAPE * 1e20,
        SHAPE * 50 + 500,
    ],
)
@pytest.mark.parametrize("patch", [0, 0.3])
def test_points_without_a_window_have_none(points, patch, photo):
    shape = complex_points(SHAPE)
    assert clean.similarity(photo, points.astype(np.float32), shape, True, patch) is NOTHING


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
