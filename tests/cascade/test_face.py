"""Faces and what they are made of: their box, their points, what may be given."""

import math
from dataclasses import replace

import numpy as np
import pytest

from protoface.cascade import Face, ProtofaceError, Window, load
from protoface.cascade.face import NO_POINTS, Candidate, bounds, given_boxes

from ..constant_cascade import FIRST, SECOND

IMAGE = np.zeros((60, 100, 3), np.uint8)


def test_a_given_box_stays_the_faces_box(folder):
    boxes = [(10, 5, 40.5, 30), (-20, -10, 90, 60)]
    for box, face in zip(boxes, load(folder).detect(IMAGE, boxes), strict=True):
        assert face.box.dtype == np.float64
        np.testing.assert_array_equal(face.box, box)
    # what a stage looks through is clipped, the box is not
    assert face.windows[0].tolist() == [0, 0, 70, 50]


def test_without_a_box_it_is_the_bounds_of_the_points(folder):
    (face,) = load(folder).detect(IMAGE)
    x, y, width, height = face.box
    assert face.box.dtype == np.float64
    np.testing.assert_allclose([x, y], face.points.min(axis=0))
    # pixels from the first to the last one that holds a point
    np.testing.assert_allclose([x + width - 1, y + height - 1], face.points.max(axis=0), rtol=1e-6)


def test_every_face_has_its_own(folder):
    """A score that no stage gives is NaN, a picture's faces have no id."""
    for face in load(folder).detect(IMAGE, [(0, 0, 50, 50), (40, 0, 50, 50)]):
        assert math.isnan(face.score)
        assert face.id is None
        assert len(face.stages) == len(face.windows) == 2
        np.testing.assert_array_equal(face.stages[-1], face.points)


def test_bounds_by_hand():
    points = np.array([(3, 7), (10, 5.5), (4, 9)], np.float32)
    np.testing.assert_array_equal(bounds(points), [3, 5.5, 8, 4.5])
    np.testing.assert_array_equal(bounds(points[:1]), [3, 7, 1, 1])
    assert np.isnan(bounds(NO_POINTS)).all()
    assert np.isnan(bounds(np.full((5, 2), np.nan, np.float32))).all()
    for wrong in range(3):  # whichever point is none
        points[wrong] = np.nan
        assert np.isnan(bounds(points)).all()
        points[wrong] = 0


def test_a_candidate_becomes_a_face():
    """Known: nothing, a box, points, both."""
    unknown = Candidate(2, (60, 100))
    face = unknown.face()
    assert face.points.shape == (0, 2)
    assert np.isnan(face.box).all()
    boxed = unknown._replace(box=np.array([1.0, 2, 3, 4]), score=0.75, id=7)
    face = boxed.face()
    assert (face.box.tolist(), face.score, face.id) == ([1, 2, 3, 4], 0.75, 7)
    found = unknown._replace(points=FIRST, stages=(SECOND, FIRST))
    face = found.face()
    np.testing.assert_array_equal(face.box, bounds(FIRST))
    assert face.points is FIRST
    assert face.stages == (SECOND, FIRST)
    assert boxed._replace(points=FIRST).face().box is boxed.box


def test_a_candidate_goes_through_stages():
    """Points found anew, then noted with the window; all else stays."""
    box = np.array([1.0, 2, 3, 4])
    first = Candidate(2, (60, 100), box, 0.75, id=7)
    nothing_found = first.seen(Window(0, 0, 9, 9))
    assert nothing_found.stages == (NO_POINTS,)
    found = first.at(FIRST).seen(Window(0, 0, 100, 60)).at(SECOND).seen(Window(5, 5, 9, 9))
    assert found.points is SECOND
    assert found.stages == (FIRST, SECOND)
    assert found.windows == (Window(0, 0, 100, 60), Window(5, 5, 9, 9))
    for candidate in (nothing_found, found):
        assert (candidate.picture, candidate.size, candidate.score, candidate.id) == (
            2,
            (60, 100),
            0.75,
            7,
        )
        assert candidate.box is box
    assert (first.points, first.stages, first.windows) == (None, (), ())


def test_what_has_been_found_cannot_be_changed(folder):
    (face,) = load(folder).detect(IMAGE)
    for made in (face, Candidate(0, (60, 100))):
        with pytest.raises(AttributeError):
            made.score = 1.0
    assert replace(face, id=3).id == 3


def test_a_face_needs_no_more_than_box_score_and_points():
    face = Face(np.array([0.0, 0, 9, 9]), 0.5, NO_POINTS)
    assert (face.stages, face.windows, face.id) == ((), (), None)


@pytest.mark.parametrize("boxes", [[], (), np.zeros((0, 4)), np.zeros((0,)), [[]]])
def test_no_boxes_are_none_at_all(boxes):
    assert len(given_boxes(boxes)) == 0


def test_boxes_may_be_any_numbers():
    (first, second) = given_boxes([(1, 2, 3, 4), (0.5, -2, 3, 4)])
    assert first.dtype == np.float64
    assert (first.tolist(), second.tolist()) == ([1, 2, 3, 4], [0.5, -2, 3, 4])
    (only,) = given_boxes(np.array([[1, 2, 3, 4]], np.uint8))
    assert only.tolist() == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("boxes", "shape"),
    [
        ([1, 2, 3, 4], r"\(4,\)"),
        ([(1, 2, 3)], r"\(1, 3\)"),
        (np.zeros((2, 2, 4)), r"\(2, 2, 4\)"),
        ([(1, 2, np.nan, 4)], r"\(1, 4\)"),
        ([(1, 2, 3, np.inf)], r"\(1, 4\)"),
    ],
)
def test_boxes_of_another_shape_are_refused(boxes, shape):
    with pytest.raises(ProtofaceError, match=rf"boxes must be finite \(n, 4\) .*, not {shape}"):
        given_boxes(boxes)
