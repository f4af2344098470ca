"""Which face is meant, by each method; figures worked out by hand."""

import numpy as np
import pytest

from protoface.cascade.mtcnn.selection import METHODS, Faces, areas, best, descending
from protoface.converters import ProtofaceError

#: Areas 100, 400, 900; the second is in the middle of the picture, the third in a corner.
BOXES = np.array([[40, 40, 50, 50], [40, 40, 60, 60], [0, 0, 30, 30]], np.float32)
SCORES = np.array([0.99, 0.95, 0.8], np.float32)


@pytest.mark.parametrize(
    ("method", "numbers", "index"),
    [
        ("largest", {}, 2),
        ("probability", {}, 0),
        ("largest_over_threshold", {}, 1),
        ("largest_over_threshold", {"threshold": 0.7}, 2),
        ("largest_over_threshold", {"threshold": 0.96}, 0),
        ("center_weighted_size", {}, 1),
        ("center_weighted_size", {"center_weight": 0.0}, 2),
        # 900 - 0.2 * 2 * 35^2 = 410 is more than 400
        ("center_weighted_size", {"center_weight": 0.2}, 2),
        ("center_weighted_size", {"center_weight": 0.21}, 1),
    ],
)
def test_methods(method, numbers, index):
    assert best(Faces(BOXES, SCORES, (100, 100), **numbers), method).tolist() == [index]


def test_no_face_above_the_threshold():
    assert best(Faces(BOXES, SCORES, (100, 100), threshold=0.99), "largest_over_threshold").size == 0


@pytest.mark.parametrize("method", METHODS)
def test_no_face_at_all(method):
    assert best(Faces(BOXES[:0], SCORES[:0], (100, 100)), method).shape == (0,)


def test_orders():
    assert areas(BOXES).tolist() == [100, 400, 900]
    assert descending(areas(BOXES)).tolist() == [2, 1, 0]


def test_an_unknown_method():
    with pytest.raises(
        ProtofaceError, match="selection method 'biggest' is unknown; there are largest,"
    ):
        best(Faces(BOXES, SCORES, (100, 100)), "biggest")
