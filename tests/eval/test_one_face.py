"""Which found face is measured: near the annotated one, in its box, whatever its points are."""

from dataclasses import replace

import numpy as np

from protoface.eval.one_face import annotated_face

from .celeba_set import FACE
from .found_faces import a_box, a_face

BOX = np.array([20.0, 20, 50, 50])  # centre 44.5, 44.5; that of FACE is 45, 45


def test_the_nearest_centre_decides_not_the_score_nor_the_fit():
    spread = FACE.mean(axis=0) + 2 * (FACE - FACE.mean(axis=0))  # bad points, centre in place
    near, fitting = a_face(spread, score=0.5), a_face(FACE + (3, 0), score=0.99)
    assert annotated_face([fitting, near], FACE, BOX) is near
    assert annotated_face([near, fitting], FACE, BOX) is near


def test_a_face_with_a_score_must_lie_in_the_box():
    beside = a_face(FACE + (26, 0), score=0.9)
    assert annotated_face([beside], FACE, BOX) is None
    assert annotated_face([a_face(FACE + (24, 0), score=0.9)], FACE, BOX) is not None
    assert annotated_face([a_face(FACE + (0, -26), score=0.9)], FACE, BOX) is None


def test_one_without_a_score_counts_wherever_it_lies():
    far = a_face(FACE + (500, 0))
    assert annotated_face([far], FACE, BOX) is far
    assert annotated_face([], FACE, BOX) is None


def test_without_a_box_the_points_have_one():
    """FACE is 31 x 31 pixels about (45, 45)."""
    for box in (None, np.full(4, np.nan)):
        assert annotated_face([a_face(FACE + (15, 0), score=0.9)], FACE, box) is not None
        assert annotated_face([a_face(FACE + (16, 0), score=0.9)], FACE, box) is None


def test_answers_that_are_no_numbers_are_far_away():
    strange = a_face(FACE * np.nan, score=0.9)
    near = a_face(FACE, score=0.1)
    assert annotated_face([strange, near], FACE, BOX) is near
    assert annotated_face([strange], FACE, BOX) is None
    assert annotated_face([replace(strange, score=np.nan)], FACE, BOX) is not None


def test_a_face_without_points_is_where_its_box_is():
    assert annotated_face([a_box(*BOX, 0.5)], FACE, BOX) is not None
    assert annotated_face([a_box(80, 20, 50, 50, 0.5)], FACE, BOX) is None
