"""Boxes of faithful mode against the steps of facenet-pytorch, written once more in torch."""

import numpy as np
import pytest
import torch

from protoface.cascade.windows import faithful
from protoface.cascade.windows.levels import Level
from protoface.cascade.windows.window import Window

GENERATOR = np.random.default_rng(0)
CORNERS = np.sort(GENERATOR.uniform(-40, 700, (200, 2, 2)), 1).astype(np.float32)
OFFSETS = GENERATOR.normal(0, 0.2, (200, 4)).astype(np.float32)
SIZE = (480, 640)


def boxes(corners):
    """Corners (n, 2, 2) as x, y, width, height."""
    start, stop = corners.astype(np.float64).swapaxes(0, 1)
    return np.concatenate((start, stop - start), 1)


@pytest.mark.parametrize("scale", [0.6, 0.6 * 0.709, 1.2 * 0.7**5, 0.3])
def test_cells_are_rounded_down(scale):
    places = GENERATOR.integers(0, 300, (500, 2))
    spots = torch.from_numpy(places).float()
    start, stop = ((2 * spots + 1) / scale).floor(), ((2 * spots + 12) / scale).floor()
    found = faithful.cells(Level(1, 1, scale, scale), 2 * places, 12)
    np.testing.assert_array_equal(found, torch.cat((start, stop - start), 1).numpy())


def test_the_first_regression_has_no_pixel_more():
    start, stop = torch.from_numpy(CORNERS).unbind(1)
    offsets = torch.from_numpy(OFFSETS)
    sides = stop - start
    expected = np.stack((start + offsets[:, :2] * sides, stop + offsets[:, 2:] * sides), 1)
    np.testing.assert_array_equal(faithful.moved(boxes(CORNERS), OFFSETS), boxes(expected))


def test_squares_are_cut_off_and_later_regressions_have_a_pixel_more():
    corners = torch.from_numpy(CORNERS.reshape(-1, 4).copy())
    h, w = corners[:, 3] - corners[:, 1], corners[:, 2] - corners[:, 0]
    side = torch.max(w, h)
    corners[:, 0] = corners[:, 0] + w * 0.5 - side * 0.5
    corners[:, 1] = corners[:, 1] + h * 0.5 - side * 0.5
    corners[:, 2:4] = corners[:, :2] + side.repeat(2, 1).permute(1, 0)
    whole = corners.trunc().int().numpy()
    windows = faithful.square_boxes([SIZE] * len(CORNERS), boxes(CORNERS))
    moved = faithful.moved_windows(windows, OFFSETS)
    shown = faithful.window_boxes(windows)
    for index, (window, square, cut, offsets) in enumerate(
        zip(windows, corners, whole, OFFSETS, strict=True)
    ):
        x, y, ex, ey = max(cut[0], 1), max(cut[1], 1), min(cut[2], 640), min(cut[3], 480)
        seen = (window.x, window.y, window.width, window.height)
        assert seen == (x - 1, y - 1, max(ex - x + 1, 0), max(ey - y + 1, 0))
        sides = square[2:] - square[:2] + 1
        start = square[:2] + torch.from_numpy(offsets[:2]) * sides
        stop = square[2:] + torch.from_numpy(offsets[2:]) * sides
        expected = boxes(np.stack((start, stop))[None])[0]
        np.testing.assert_allclose(moved[index], expected, atol=1e-4)
        np.testing.assert_array_equal(shown[index], boxes(square.numpy().reshape(1, 2, 2))[0])


def test_a_box_beside_the_picture_and_one_of_no_numbers_are_empty():
    wrong = [(-50, 0, 20, 20), (np.nan, 0, 20, 20), (np.inf, 0, 20, 20), (1e30, 0, 1, 1)]
    windows = faithful.square_boxes([SIZE] * 4, np.array(wrong, np.float64))
    assert [window.empty for window in windows] == [True] * 4
    assert faithful.square_boxes([], np.zeros((0, 4))) == []
    assert faithful.window_boxes([Window(9, 9, 11, 11)]).tolist() == [[10, 10, 10, 10]]
    assert faithful.window_boxes([]).shape == (0, 4)


def test_levels_and_scores():
    assert faithful.level((480, 640), 0.6) == Level(289, 385, 0.6, 0.6)
    scores = np.array([0.6, 0.61, np.nan], np.float32)
    assert faithful.enough(scores, 0.6, True).tolist() == [True, True, False]
    assert faithful.enough(scores, 0.6, False).tolist() == [False, True, False]
