"""Colours of the drawn points."""

from dataclasses import replace

import numpy as np
import pytest

from protoface.cascade import load
from protoface.cascade.drawing import BLUE, GREEN, RED, draw, draw_faces
from protoface.cascade.windows.window import centred


def test_truth_is_green_level_1_red_the_final_points_blue(folder):
    image = np.zeros((400, 500, 3), np.uint8)
    (face,) = load(folder).detect(image)
    truth = np.array([(5, 5), (495, 5), (5, 395), (495, 395), (250, 380)])
    drawn = draw_faces(image, [face], truth)
    for points, colour in ((truth, GREEN), (face.stages[0], RED), (face.points, BLUE)):
        for x, y in points.round().astype(int):
            assert tuple(drawn[y, x]) == colour
    assert not image.any()
    assert draw(image, face.stages, face.windows[-1], truth) is image
    np.testing.assert_array_equal(image, drawn)


def test_every_face_is_drawn(folder):
    image = np.zeros((400, 500, 3), np.uint8)
    faces = load(folder).detect(image, [(0, 0, 200, 200), (280, 180, 200, 200)])
    drawn = draw_faces(image, faces)
    for face in faces:
        for points, colour in ((face.stages[0], RED), (face.points, BLUE)):
            for x, y in points.round().astype(int):
                assert tuple(drawn[y, x]) == colour
    np.testing.assert_array_equal(draw_faces(image, []), image)
    for one, other in (faces, faces[::-1]):
        alone = draw_faces(image, [one])
        x, y = other.points[2].round().astype(int)
        assert not alone[y, x].any()


def test_a_turned_window_and_its_patches_are_outlined():
    image = np.zeros((100, 100, 3), np.uint8)
    patch = centred(50, 50, 21)
    window = replace(centred(50, 50, 51, 45), patches=(patch,))
    drawn = draw(image, [np.zeros((5, 2))], window)
    reach = round(25 * np.sqrt(2))
    for x, y in ((50, 50 - reach), (50 + reach, 50), (50, 50 + reach), (50 - reach, 50), (40, 40)):
        assert tuple(drawn[y, x]) == BLUE
    assert not drawn[25, 25].any()  # a corner of the same window, not turned


def test_points_outside_the_picture_or_not_finite_do_no_harm(folder):
    image = np.zeros((40, 50, 3), np.uint8)
    (face,) = load(folder).detect(image)
    truth = np.array([(-50, 5), (495, 5), (np.nan, 3), (np.inf, 3), (1e12, 3)])
    assert draw(image, face.stages, truth=truth).shape == image.shape
    wild = np.full((5, 2), np.nan)
    assert draw(image, [wild, wild]).shape == image.shape


@pytest.mark.parametrize("shape", [(1, 1_000_000), (1_000_000, 1), (3, 70_000), (2, 40_000_000)])
def test_points_are_drawn_anywhere_in_a_thin_picture(shape):
    image = np.zeros((*shape, 3), np.uint8)
    rows, columns = shape
    points = np.array([(0.02, 0.02), (0.4, 0.4), (0.99, 0.99)]) * (columns - 1, rows - 1)
    window = centred(columns / 2, rows / 2, 4.0 * max(shape), 3)
    draw(image, [points[::-1], points], window, truth=points + 5)
    for x, y in points.round().astype(int):
        assert tuple(image[y, x]) == BLUE
    assert not image[rows // 4, columns // 4].any()
