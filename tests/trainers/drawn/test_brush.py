"""Colours, polygons and lines: within their bounds, and where they should be to parts of a pixel."""

import numpy as np
import pytest

from protoface.trainers.drawn.brush import (
    FULL,
    any_colour,
    blend,
    colour,
    fixed,
    line,
    mixed,
    noise,
    polygon,
    shaded,
)


def test_colours_stay_where_a_camera_can_still_change_them():
    assert colour((-10, 100, 300)) == (3, 100, 252)
    rng = np.random.default_rng(0)
    many = np.array([any_colour(rng) for _ in range(200)])
    assert many.min() >= 3
    assert many.max() <= 252
    assert many.std() > 30


def test_mixing_and_shading():
    assert mixed((10, 20, 30), (110, 120, 130), 0.25) == (35, 45, 55)
    assert shaded((100, 50, 20), 0.5) == (50, 25, 10)


@pytest.mark.parametrize("shift", [0, 0.25, 0.5])
def test_a_polygon_lies_where_it_should_to_parts_of_a_pixel(shift):
    picture = np.zeros((40, 40, 3), np.uint8)
    corners = np.array([(10, 10), (30, 10), (30, 25), (10, 25)]) + shift
    polygon(picture, corners, FULL)
    x = np.average(np.arange(40), weights=picture[..., 0].sum(0))
    y = np.average(np.arange(40), weights=picture[..., 0].sum(1))
    assert x == pytest.approx(20 + shift, abs=0.1)
    assert y == pytest.approx(17.5 + shift, abs=0.5)  # OpenCV fills whole rows
    np.testing.assert_array_equal(fixed(corners), corners * 16)


def test_a_line_goes_through_its_points():
    picture = np.zeros((40, 40, 3), np.uint8)
    line(picture, [(5, 5), (30, 5), (30, 30)], FULL, 1)
    assert picture[5, 6:30].min() > 200
    assert not picture[25, 5:20].any()
    line(picture, [(5, 5), (30, 5), (30, 30)], FULL, 1, closed=True)
    assert picture[17, 17].min() > 200


def test_noise_is_smooth_and_around_one():
    sheet = noise(np.random.default_rng(1), 8, 6, (80, 60), 0.2)
    assert sheet.shape == (80, 60)
    assert sheet.mean() == pytest.approx(1, abs=0.1)
    assert np.abs(np.diff(sheet, axis=0)).max() < 0.2


def test_blending_paints_only_where_it_covers():
    picture = np.full((40, 40, 3), 100, np.uint8)
    cover = np.zeros((40, 40), np.uint8)
    cover[:, 20:] = 255
    blend(picture, (200, 200, 200), cover, np.full((40, 40), 0.5, np.float32))
    assert (picture[:, :15] == 100).all()
    assert np.abs(picture[:, 25:].astype(int) - 150).max() <= 1
