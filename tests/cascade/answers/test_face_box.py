"""The answer of a box."""

import numpy as np
import pytest

from protoface.cascade import MODES, Window, cascade_pb2
from protoface.cascade.answers.face_box import BoxAnswer
from protoface.cascade.answers.map_places import Map, Places
from protoface.cascade.face import Candidate
from protoface.cascade.layouts import find_layout
from protoface.cascade.windows.levels import Level
from protoface.cascade.windows.window import NOTHING


def answer(form: str = "CORNERS", mode: str = "clean") -> BoxAnswer:
    parameter = cascade_pb2.BoxAnswer(form=form)
    return BoxAnswer(parameter, find_layout("celeba5"), MODES[mode])


def places(corners, level, cell, stride, mode="clean"):
    corners = np.array(corners)
    cells = MODES[mode].cells(level, corners, cell)
    zeros = np.zeros(len(corners), np.intp)
    return Places(Map(cell, stride), level, zeros, corners, cells, cells, zeros.astype(np.float32))


def test_corners_move_by_parts_of_the_window():
    offsets = np.array([[0.1, 0.2, -0.1, 0.3], [0, 0, 0, 0]], np.float32)
    candidates = [Candidate(0, (99, 99), np.ones(4)) for _ in offsets]
    found = answer().read(offsets, [Window(10, 20, 40, 40), NOTHING], candidates)
    np.testing.assert_allclose(found[0].box, (14, 28, 32, 44), rtol=1e-5)
    assert found[1].box is candidates[1].box  # nothing was seen


def test_corners_of_faithful_mode_count_the_last_pixel():
    """Of a square of facenet-pytorch: x1 = 11 to x2 = 50 are the pixels 10 to 49 of the picture."""
    (window,) = MODES["faithful"].square_boxes([(99, 99)], np.array([(11, 21, 39, 39)]))
    offsets = np.array([[0.1, 0.2, -0.1, 0.3]], np.float32)
    (found,) = answer(mode="faithful").read(offsets, [window], [Candidate(0, (99, 99))])
    np.testing.assert_allclose(found.box, (15, 29, 50 - 4 - 15, 60 + 12 - 29), rtol=1e-5)


def test_corners_of_a_map():
    level = Level(50, 50, 0.5, 0.5, 50, 50)
    found = answer().read_places(np.array([[0.5, 0, 0, 1]]), places([(2, 4)], level, 12, 2))
    np.testing.assert_allclose(found.boxes, [(4 + 12, 8, 12, 48)])
    np.testing.assert_allclose(found.cells, [(4, 8, 24, 24)])


@pytest.mark.parametrize("scale", [1, 0.5])
def test_distances_are_strides_from_the_centre_of_the_cell(scale):
    """The centre of the cell from 16 to 24 is the edge 20; boxes begin and end at edges."""
    level = Level(64, 64, scale, scale, 64, 64)
    found = answer("DISTANCES").read_places(
        np.array([[1, 0.5, 2, 3]], np.float32), places([(16, 8)], level, 8, 8)
    )
    np.testing.assert_allclose(found.boxes, np.array([(12, 8, 24, 28)]) / scale)


def test_what_it_says_of_a_mirrored_picture():
    """A window of 40 columns from 30 to 70 in 100 columns is the same one in the mirror."""
    offsets = np.array([[0.1, 0.2, -0.3, 0.4]])
    window = [Window(30, 0, 40, 40)]
    (here,) = MODES["clean"].moved_windows(window, offsets)
    (there,) = MODES["clean"].moved_windows(window, answer().mirrored(offsets))
    x, y, width, height = here
    np.testing.assert_allclose(there, (100 - x - width, y, width, height))
    np.testing.assert_array_equal(answer().mirrored(answer().mirrored(offsets)), offsets)
    assert answer("DISTANCES").needs_map
    assert not answer().needs_map
