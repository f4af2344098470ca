"""Faces grouped by pose and size."""

import numpy as np
import pytest

from protoface.eval.datasets.dataset import read_dataset
from protoface.eval.evaluate import evaluate
from protoface.eval.groups import AXES, groups, tilt, turn

from .celeba_set import offset_finder

FRONT = np.array([[-20, 0], [20, 0], [0, 25], [-15, 45], [15, 45]], np.float64)


def turned(degrees: float) -> np.ndarray:
    angle = np.radians(degrees)
    return FRONT @ np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])


@pytest.mark.parametrize("degrees", [0, 7, -30, 90])
def test_the_turn_of_a_head_does_not_depend_on_its_tilt(degrees):
    faces = np.stack([turned(degrees), turned(degrees)])
    side = faces[1, 1] - faces[1, 0]
    faces[1, 2] -= 0.4 * side  # the nose almost below the left eye
    assert turn(faces) == pytest.approx([0, 0.4])
    assert tilt(faces) == pytest.approx([abs(degrees)] * 2)


def test_every_face_is_in_one_group_of_each_axis(celeba):
    measured = evaluate(offset_finder(6, 3), read_dataset(celeba))
    found = groups(measured)
    for axis in AXES:
        of_axis = [group for group in found if group.axis == axis.name]
        assert sum(group.summary.n for group in of_axis) == len(measured.kept)
    whole = measured.summary("inter_ocular", 1)
    assert all(group.summary.mean == pytest.approx(whole.mean) for group in found)


def test_eyes_in_one_place_are_left_out(celeba):
    data = read_dataset(celeba)
    data.truth[3, 1] = data.truth[3, 0]
    data.inter_ocular[3] = 0
    found = groups(evaluate(offset_finder(6, 3), data))
    assert sum(group.summary.n for group in found if group.axis == "turn") == len(data) - 1
