"""Faces grouped by pose and size."""

from dataclasses import replace

import numpy as np
import pytest

from protoface.cascade.cascade_pb2 import LayoutParameter
from protoface.cascade.layouts import find_layout, make_layout
from protoface.eval.datasets.dataset import read_dataset
from protoface.eval.evaluation import evaluate
from protoface.eval.groups import ATTRIBUTE, AXES, groups, size, tilt, turn

from .celeba_set import FACE, offset_finder, with_68_points
from .found_faces import a_face

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


def test_the_size_is_the_eye_distance_of_five_points():
    np.testing.assert_allclose(size(np.stack([FRONT, 2 * FRONT])), [40, 80])


def test_many_points_are_grouped_by_the_pose_of_five(celeba):
    """The same faces with 68 points are in the same groups; their errors are those of 68."""
    five = read_dataset(celeba)
    wide = with_68_points(five.truth)
    many = replace(five, layout=find_layout("ibug68"), truth=wide)

    def find(images):
        numbers = [int(image[0, 0, 0]) for image in images]
        return [[a_face(wide[number] + (0, 3))] for number in numbers]

    def members(found):
        return [(group.axis, group.least, group.summary.n) for group in found]

    found = groups(evaluate(find, many))
    assert members(found) == members(groups(evaluate(offset_finder(6, 3), five)))
    lengths = many.distance("inter_ocular")
    assert found[0].summary.mean == pytest.approx(np.mean(3 / lengths))
    assert len(found[0].summary.per_point) == 68


def test_attributes_of_a_set_are_groups(celeba):
    flags = np.arange(10) % 3 == 0
    data = replace(read_dataset(celeba), attributes={"blur": flags, "none": np.zeros(10, bool)})

    def find(images):
        numbers = [int(image[0, 0, 0]) for image in images]
        return [[] if number == 3 else [a_face(FACE + (number, number))] for number in numbers]

    *_, blur = groups(evaluate(find, data))
    assert (blur.axis, blur.unit, str(blur)) == ("blur", ATTRIBUTE, "blur (as the set says)")
    assert (blur.summary.n, blur.summary.not_found) == (4, 1)  # 0, 3, 6 and 9; in 3 no face was found
    assert blur.summary.mean == pytest.approx((0 + 6 + 9) / 3 / 30)


def test_points_that_do_not_become_five_have_no_pose(celeba):
    data = read_dataset(celeba)
    strange = make_layout(
        LayoutParameter(
            point=[{"name": name} for name in "abcde"],
            distance=[{"name": "inter_ocular", "a": "a", "b": "b"}],
        ),
        "a test",
    )
    assert groups(evaluate(offset_finder(6, 3), replace(data, layout=strange))) == []


def test_eyes_in_one_place_are_left_out(celeba):
    data = read_dataset(celeba)
    data.truth[3, 1] = data.truth[3, 0]
    found = groups(evaluate(offset_finder(6, 3), data))
    assert sum(group.summary.n for group in found if group.axis == "turn") == len(data) - 1
