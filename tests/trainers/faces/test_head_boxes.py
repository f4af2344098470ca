"""Boxes of heads by points: where they lie, and that both ways to make them agree."""

import numpy as np
import pytest

from protoface.cascade.layouts import find_layout
from protoface.eval.datasets.dataset import read_dataset
from protoface.trainers.faces.found import shares
from protoface.trainers.faces.head_boxes import head_boxes

from ...reference_data import reference_data

FIVE, ALL = find_layout("celeba5"), find_layout("ibug68")
UPRIGHT = np.array([[(40, 50), (60, 50), (50, 60), (42, 72), (58, 72)]], float)


def test_a_head_by_five_points():
    ((x, y, width, height),) = head_boxes(UPRIGHT, FIVE)
    assert pytest.approx(width) == 0.593 * 22 + 1.572 * 20
    assert pytest.approx(height) == 1.458 * 22 + 1.381 * 20
    # as wide to the left as to the right, and points count from a pixel's centre
    assert x + width / 2 == pytest.approx(50.5)
    assert y < 40
    assert y + height > 76


def test_a_head_by_the_bounds_of_its_points():
    points = np.zeros((1, 68, 2))
    points[0, :, 0] = np.linspace(9.5, 59.5, 68)
    points[0, :, 1] = np.linspace(19.5, 79.5, 68)
    ((x, y, width, height),) = head_boxes(points, ALL)
    assert width == pytest.approx(0.994 * 50)
    assert x + width / 2 == pytest.approx(35 - 0.008 * 50)
    assert y == pytest.approx(20 - 0.331 * 60)
    assert y + height == pytest.approx(80 - 0.014 * 60)


@pytest.mark.parametrize("layout", [FIVE, ALL])
def test_they_move_and_grow_with_the_face(layout):
    points = np.random.default_rng(0).uniform(0, 60, (3, len(layout), 2))
    boxes = head_boxes(points, layout)
    moved = head_boxes((points + 0.5) * 3 - 0.5 + (7, -4), layout)
    np.testing.assert_allclose(moved, boxes * 3 + (7, -4, 0, 0))


def test_a_mirrored_face_has_the_mirrored_box():
    """Of five points, whose numbers are symmetric."""
    points = np.random.default_rng(1).normal(0, 4, (4, 5, 2)) + UPRIGHT
    mirrored = points[:, list(FIVE.flip)] * (-1, 1)
    boxes, other = head_boxes(points, FIVE), head_boxes(mirrored, FIVE)
    # the edge of the first pixel is half a pixel before its centre
    np.testing.assert_allclose(other[:, 0] + other[:, 2] - 0.5, 0.5 - boxes[:, 0])
    np.testing.assert_allclose(other[:, 1:], boxes[:, 1:])


def test_both_ways_agree_on_real_faces():
    data = read_dataset(reference_data() / "faces" / "w300", "lfpw/testset")
    boxes = head_boxes(data.truth, data.layout)
    over = head_boxes(data.layout.convert(data.truth, FIVE), FIVE)
    overlap = [
        shares(_corners(one), _corners(other[None]))[0] for one, other in zip(boxes, over, strict=True)
    ]
    assert np.median(overlap) > 0.8
    assert np.mean(np.array(overlap) > 0.6) > 0.95


def _corners(boxes):
    return np.concatenate((boxes[..., :2], boxes[..., :2] + boxes[..., 2:]), axis=-1)
