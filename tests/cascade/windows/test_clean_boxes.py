"""Boxes of clean mode, by hand: no rounding, so what is shifted stays so."""

import numpy as np

from protoface.cascade.windows import clean
from protoface.cascade.windows.levels import Level
from protoface.cascade.windows.window import Window

LEVEL = Level(50, 100, 0.5, 0.25, 50, 100)


def test_cells_are_where_their_pixels_are():
    found = clean.cells(LEVEL, np.array([(0, 0), (3, 5)]), 12)
    np.testing.assert_allclose(found, [(0, 0, 24, 48), (6, 20, 24, 48)])


def test_corners_are_moved_by_parts_of_the_sides():
    offsets = np.array([(0.1, -0.2, 0.3, 0.5)])
    expected = (10 + 2, 20 - 8, 20 + 4, 40 + 28)
    np.testing.assert_allclose(clean.moved(np.array([(10.0, 20, 20, 40)]), offsets), [expected])
    np.testing.assert_allclose(clean.moved_windows([Window(10, 20, 20, 40)], offsets), [expected])


def test_a_square_box_has_the_same_centre():
    boxes = np.array([(10, 20, 30, 10), (0, 0, 4, 6)], np.float64)
    expected = [Window(10, 10, 30, 30), Window(-1, 0, 6, 6)]
    assert clean.square_boxes([(99, 99)] * 2, boxes) == expected


def test_a_level_is_rounded():
    assert clean.level((333, 500), 0.5) == Level(166, 250, 0.5, 166 / 333)
    assert clean.level((3, 500), 0.1)[:2] == (1, 50)


def test_a_least_score_is_enough():
    scores = np.array([0.5, 0.4, np.nan], np.float32)
    for mapped in (True, False):
        assert clean.enough(scores, 0.5, mapped).tolist() == [True, False, False]


def test_a_windows_box_is_the_window():
    assert clean.window_boxes([Window(1, 2, 3, 4)]).tolist() == [[1, 2, 3, 4]]
