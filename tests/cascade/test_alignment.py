"""Five points come to lie where recognition nets expect them, as well as a similarity can do it."""

import cv2
import numpy as np
import pytest

from protoface.cascade.alignment import PLACES, aligned, alignment
from protoface.converters import ProtofaceError


def transformed(rule, points):
    return points @ rule[:, :2].T + rule[:, 2]


@pytest.mark.parametrize("side", [112, 160])
@pytest.mark.parametrize("degrees", [0, 30, -90, 180])
@pytest.mark.parametrize("scale", [0.2, 1, 7])
def test_a_turned_face_is_carried_back_exactly(side, degrees, scale):
    turn = np.radians(degrees)
    rotation = scale * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    points = PLACES @ rotation.T + (300, 200)
    np.testing.assert_allclose(transformed(alignment(points, side), points), PLACES * side / 112)


def test_the_rule_is_the_least_squares_one():
    """As numpy solves the same equations: x = a u - b v + c, y = b u + a v + d."""
    points = PLACES + np.random.default_rng(0).normal(0, 6, (5, 2))
    (u, v), (x, y) = points.T, PLACES.T
    one, none = np.ones(5), np.zeros(5)
    left = np.concatenate((np.stack((u, -v, one, none), 1), np.stack((v, u, none, one), 1)))
    (a, b, c, d), *_ = np.linalg.lstsq(left, np.concatenate((x, y)), rcond=None)
    np.testing.assert_allclose(alignment(points, 112), [[a, -b, c], [b, a, d]], rtol=1e-6, atol=1e-9)


def test_colours_go_along():
    """A dot of its own colour at each point is found at its place."""
    image = np.zeros((300, 400, 3), np.uint8)
    turn = np.radians(25)
    rotation = 1.5 * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    points = (PLACES - 56) @ rotation.T + (200, 150)
    for number, (x, y) in enumerate(points):
        cv2.circle(image, (round(x), round(y)), 6, (50 * (number + 1), 255 - 50 * number, 99), -1)
    found = aligned(image, points, 112)
    assert found.shape == (112, 112, 3)
    for number, (x, y) in enumerate(PLACES):
        assert found[round(y), round(x)].tolist() == [50 * (number + 1), 255 - 50 * number, 99]


def test_black_beyond_the_picture():
    image = np.full((50, 50, 3), 255, np.uint8)
    found = aligned(image, PLACES + (-56, 0), 112)
    assert (found[:, :50] == 0).any()
    assert not found[:, -1].any() or not found[:, 0].any()


@pytest.mark.parametrize("points", [np.full((5, 2), 7.0), np.full((5, 2), np.nan)])
def test_points_by_which_nothing_can_be_aligned(points):
    with pytest.raises(ProtofaceError, match="a face with the points .* cannot be aligned"):
        alignment(points, 112)
