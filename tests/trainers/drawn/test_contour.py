"""The jaw's contour: equal steps along the rim in front view, the visible edge in every other one."""

import numpy as np
import pytest

from protoface.trainers.drawn.contour import LINES, contour, first_crossing, half_rim, rim, visible_edge
from protoface.trainers.drawn.head import FLOOR, lift, view_from

from .heads import SIDE, UNIT, edge_distance, head

POSES = [(0, 0), (20, 0), (-35, 0), (50, 0), (0, 20), (0, -20), (40, 15), (-40, -15)]


@pytest.mark.parametrize("count", [17, 33])
def test_places_on_the_rim_have_equal_distances_and_are_symmetric(count):
    places = rim(head(1).shape, count, 0.02)
    assert places.shape == (count, 2)
    steps = np.linalg.norm(np.diff(places, axis=0), axis=1)
    assert steps.std() < 0.02 * steps.mean()
    np.testing.assert_allclose(places[::-1] * (-1, 1), places, atol=1e-9)
    np.testing.assert_allclose(places[[0, -1], 1], 0.02, atol=1e-9)
    assert places[count // 2, 1] == places[:, 1].max()
    assert places[0, 0] < -1


def test_the_rim_is_where_the_surface_sinks_to_the_floor():
    drawn = head(3)
    line = half_rim(drawn.shape, -0.5)[5:-5]
    for way, below in ((1.03, True), (0.97, False)):
        depth = lift(drawn.height, (line * way).astype(np.float32))[:, 2]
        np.testing.assert_array_equal(depth < FLOOR, below)


@pytest.mark.parametrize(("yaw", "pitch"), POSES)
@pytest.mark.parametrize("seed", range(4))
def test_points_lie_on_the_visible_edge(seed, yaw, pitch):
    """The edge is found in another way: by rays through the pixels."""
    drawn = head(seed, yaw, pitch)
    view = view_from(drawn.height, drawn.pose, (SIDE, SIDE))
    assert view is not None
    mask = np.zeros((SIDE, SIDE), bool)
    rows, columns = view.cover.shape
    mask[view.top : view.top + rows, view.left : view.left + columns] = view.cover > 0.5
    away = edge_distance(mask, contour(drawn.shape, drawn.height, drawn.pose, 17, 0.02)) / UNIT
    assert away.mean() < 0.05
    assert away.max() < 0.15  # a nose or a mouth in front of a far cheek


@pytest.mark.parametrize(("yaw", "pitch"), POSES)
def test_points_have_equal_distances_from_the_chin_to_either_end(yaw, pitch):
    drawn = head(5, yaw, pitch)
    points = contour(drawn.shape, drawn.height, drawn.pose, 33, 0.02)
    steps = np.linalg.norm(np.diff(points, axis=0), axis=1)
    for side in (steps[:16], steps[16:]):
        assert side.std() < 0.06 * side.mean()  # chords of a curve
    if yaw:
        near, far = (steps[:16], steps[16:]) if yaw > 0 else (steps[16:], steps[:16])
        assert near.mean() > far.mean()


def test_the_chin_lies_below_the_middle_of_the_mouth_and_turns_with_it():
    for yaw, roll in ((0, 0), (25, 0), (-25, 0), (0, 30)):
        drawn = head(7, yaw, 0, roll)
        mouth = lift(drawn.height, np.array([(0, drawn.shape.mouth)], np.float32))
        chin = contour(drawn.shape, drawn.height, drawn.pose, 17, 0.02)[8]
        away = (chin - drawn.pose.project(mouth)[0]) / UNIT
        down = drawn.pose.rotation[:2, 1] / np.linalg.norm(drawn.pose.rotation[:2, 1])
        assert 0.5 < away @ down < 1.2
        assert abs(away @ (-down[1], down[0])) < 0.4


def test_the_edge_of_the_far_side_lies_farther_in_front_and_that_of_the_near_side_is_the_rim():
    """On a head that is turned to the right the right side is far."""
    turned = head(4, yaw=35)
    places = rim(turned.shape, LINES, 0.02)
    fixed = turned.pose.project(np.column_stack((places, np.full(LINES, FLOOR))).astype(np.float32))
    found = visible_edge(turned.shape, turned.height, turned.pose, 0.02)
    slid = np.linalg.norm(found - fixed, axis=1) / UNIT
    assert slid[: LINES // 3].max() < 0.05
    assert slid[-LINES // 3 :].min() > 0.1


def test_where_a_ray_first_meets_a_line():
    line = np.array([(-1, 1), (2, 1), (2, 3), (-1, 3)], float)
    assert first_crossing(line, np.array((0.0, 1.0))) == pytest.approx((1, 1 / 3))
    assert first_crossing(line, np.array((1.0, 1.0)) / np.sqrt(2)) == pytest.approx((np.sqrt(2), 2 / 3))
    assert first_crossing(line, np.array((0.0, -1.0)))[0] == np.inf
