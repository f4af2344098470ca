"""What a net sees: OpenCV's own resizing for whole windows, exact positions for the others."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch
from scipy.ndimage import map_coordinates

from protoface.cascade.windows.halves import Halves
from protoface.cascade.windows.sampling import resample, sampling_matrix, shrink
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
    ("window", "fx", "fy"), [(Window(20, 32, 96, 48), 4, 2), (Window(3, 0, 24, 192), 1, 8)]
)
def test_area_is_the_mean_of_the_window_where_halves_fit(window, fx, fy):
    """Rounded after each halving, upwards by 2 x 2."""
    image = np.random.default_rng(0).integers(0, 256, (200, 250, 3), np.uint8)
    found = resample(image, window, 24, 24, cv2.INTER_AREA)
    x, y, width, height = (int(value) for value in window.tolist())
    part = image[y : y + height, x : x + width].reshape(24, fy, 24, fx, 3)
    np.testing.assert_allclose(found, part.mean((1, 3)), atol=1.3)


def test_area_of_a_quarter_turn_is_the_turned_mean():
    image = np.random.default_rng(0).integers(0, 256, (200, 250, 3), np.uint8)
    upright, turned = (
        resample(image, centred(99.5, 79.5, 96, angle), 24, 24, cv2.INTER_AREA) for angle in (0, 90)
    )
    # clockwise by 90 degrees: the window's rows run down the picture
    difference = np.abs(np.rot90(upright).astype(int) - turned)
    assert difference.max() <= 8  # positions are rounded to 1/32 of a block


@pytest.mark.parametrize("window", [*TURNED, Window(30.7, 20.2, 120.5, 125.9)])
def test_area_is_a_half_sampled_linearly(window):
    """The definition in floats: means of f x f pixels from the picture's corner on, SciPy."""
    image = np.random.default_rng(0).integers(0, 256, (200, 250, 3), np.uint8)
    image, size = cv2.GaussianBlur(image, (0, 0), 2), 16
    scales = window.width / size, window.height / size
    nx, ny = (int(np.log2(scale / 0.75)) for scale in scales)
    fx, fy = (2 ** min(nx, ny),) * 2 if window.angle else (2**nx, 2**ny)
    half = np.array([window.width, window.height]) / 2
    cos, sin = window.direction
    rows, columns = -(-200 // fy), -(-250 // fx)
    padded = np.pad(image, ((0, rows * fy - 200), (0, columns * fx - 250), (0, 0)), "edge")
    means = padded.astype(float).reshape(rows, fy, columns, fx, 3).mean((1, 3))
    c, r = np.meshgrid(np.arange(size), np.arange(size))
    u, v = (c + 0.5 - size / 2) / size * 2 * half[0], (r + 0.5 - size / 2) / size * 2 * half[1]
    x, y = window.centre[0] + u * cos - v * sin, window.centre[1] + u * sin + v * cos
    where = [(y + 0.5) / fy - 0.5, (x + 0.5) / fx - 0.5]
    expected = [map_coordinates(means[..., k], where, order=1, mode="nearest") for k in range(3)]
    found = resample(image, window, size, size, cv2.INTER_AREA)
    # positions are rounded to 1/32 of a pixel of the half, values to whole numbers after each step
    np.testing.assert_allclose(found, np.dstack(expected), atol=3)


def test_windows_share_the_halves_of_a_picture():
    """The same values as from the picture alone, and every half is made once."""
    image = np.random.default_rng(0).integers(0, 256, (201, 251, 3), np.uint8)
    shared = Halves(image)
    for window in (Window(3.3, 4.4, 180, 150), centred(100, 90, 97, 20), Window(50, 60, 30, 30)):
        alone = resample(image, window, 16, 16, cv2.INTER_AREA)
        np.testing.assert_array_equal(resample(shared, window, 16, 16, cv2.INTER_AREA), alone)
    assert shared.half(2, 2) is shared.half(2, 2)


@pytest.mark.parametrize("x", [-60, -25.5, 0, 130, 262.2, 300])
@pytest.mark.parametrize("angle", [0, 33])
def test_beyond_the_picture_its_edge_repeats(x, angle, photo):
    """The same as a picture that is really padded, by more than the window reaches."""
    padded = cv2.copyMakeBorder(photo, 240, 240, 240, 240, cv2.BORDER_REPLICATE)
    inside = resample(padded, centred(x + 240, 40 + 240, 100, angle), 24, 24, cv2.INTER_LINEAR)
    found = resample(photo, centred(x, 40, 100, angle), 24, 24, cv2.INTER_LINEAR)
    assert np.abs(found.astype(int) - inside).max() <= 1


@pytest.mark.parametrize(("x", "edge"), [(-80, 0), (330, -1)])
def test_beyond_the_picture_the_edge_of_the_half_repeats(x, edge, photo):
    found = resample(photo, centred(x, 90, 96, 0), 24, 24, cv2.INTER_AREA)
    column = Halves(photo).half(2, 2)[:, edge]
    assert (found == found[:, :1]).all()
    assert np.isin(found[:, 0, 0], np.arange(column[:, 0].min(), column[:, 0].max() + 1)).all()


@pytest.mark.parametrize("size", [(200, 250), (192, 192), (201, 123), (20, 30)])
def test_a_whole_picture_by_area_is_nearly_opencvs(size, photo):
    """OpenCV weights the pixels that a pixel of the net shares with the next; ours are sampled."""
    image = cv2.resize(cv2.GaussianBlur(photo, (0, 0), 12), size[::-1])
    found = resample(image, picture_window(image.shape[:2]), 24, 24, cv2.INTER_AREA)
    expected = cv2.resize(image, (24, 24), interpolation=cv2.INTER_AREA)
    if min(size) < 24:  # enlarged, if in one direction only
        expected = cv2.resize(image, (24, 24))
    difference = np.abs(found.astype(int) - expected)
    assert difference.mean() < 2
    if size == (192, 192):  # whole halves
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


@pytest.mark.parametrize("way", [cv2.INTER_LINEAR, cv2.INTER_AREA])
def test_a_black_window_is_as_of_a_picture_with_a_black_border(way):
    """Also where the picture is too large for OpenCV."""
    image = np.random.default_rng(0).integers(0, 256, (40, 60, 3), np.uint8)
    padded = cv2.copyMakeBorder(image, 32, 32, 32, 32, cv2.BORDER_CONSTANT)
    window = Window(-20, -10, 64, 64)
    expected = resample(padded, Window(12, 22, 64, 64), 16, 16, way)
    found = resample(image, replace(window, black=True), 16, 16, way)
    np.testing.assert_allclose(found.astype(int), expected, atol=2)
    assert (resample(image, window, 16, 16, way) != found).any()


def test_a_black_window_of_a_very_wide_picture():
    image = np.full((20, 40_000, 3), 200, np.uint8)
    seen = resample(image, Window(39_990, -10, 20, 20, black=True), 20, 20, cv2.INTER_LINEAR)
    assert (seen[10:, :10] == 200).all()
    assert (seen[:9] == 0).all()
    assert (seen[:, 11:] == 0).all()


@pytest.mark.parametrize("size", [(480, 640), (300, 400), (960, 1280), (481, 640), (333, 517)])
@pytest.mark.parametrize("wanted", [(240, 320), (200, 300), (480, 640)])
def test_a_whole_picture_is_shrunk_as_its_window_is_sampled(size, wanted):
    """But for how places are rounded; halves of odd pictures reach beyond them."""
    picture = cv2.GaussianBlur(
        np.random.default_rng(3).integers(0, 256, (*size, 3), np.uint8), (9, 9), 3
    )
    seen = shrink(picture, *wanted, cv2.INTER_AREA)
    expected = resample(picture, picture_window(size), *wanted, cv2.INTER_AREA)
    assert seen.shape == expected.shape == (*wanted, 3)
    difference = np.abs(seen.astype(int) - expected)
    assert difference.max() <= 3
    assert difference.mean() < 0.5
    if size == wanted:
        assert seen is picture
