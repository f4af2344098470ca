"""Targets: what the answers read out of them is the truth again, also in a mirror."""

from __future__ import annotations

import numpy as np
import pytest

from protoface.cascade import cascade_pb2
from protoface.cascade.answers.face_box import BoxAnswer
from protoface.cascade.answers.points import PointsAnswer
from protoface.cascade.face import Candidate
from protoface.cascade.layouts import DEFAULT, find_layout
from protoface.cascade.windows import clean
from protoface.cascade.windows.window import Window
from protoface.trainers.faces.window_targets import box_targets, point_targets

LAYOUT = find_layout(DEFAULT)
WINDOWS = [Window(3.5, -4, 40, 40), Window(10, 20, 24, 24), Window(0, 0, 30.25, 20)]
NOT_MIRRORED, MIRRORED = np.zeros(3, np.bool_), np.ones(3, np.bool_)


def some_boxes() -> np.ndarray:
    generator = np.random.default_rng(0)
    return np.concatenate((generator.uniform(0, 20, (3, 2)), generator.uniform(5, 40, (3, 2))), axis=1)


def places() -> np.ndarray:
    return np.array([(one.x, one.y, one.width, one.height) for one in WINDOWS])


def candidates() -> list[Candidate]:
    return [Candidate(0, (100, 100)) for _ in WINDOWS]


def test_the_answer_of_a_box_is_undone() -> None:
    answer = BoxAnswer(cascade_pb2.BoxAnswer(), LAYOUT, clean)
    targets = box_targets(places(), some_boxes(), NOT_MIRRORED)
    found = answer.read(targets, WINDOWS, candidates())
    assert np.array([one.box for one in found]) == pytest.approx(some_boxes())
    assert clean.moved(places(), targets) == pytest.approx(some_boxes())


def test_a_box_in_a_mirrored_window() -> None:
    answer = BoxAnswer(cascade_pb2.BoxAnswer(), LAYOUT, clean)
    targets = box_targets(places(), some_boxes(), NOT_MIRRORED)
    mirrored = box_targets(places(), some_boxes(), MIRRORED)
    assert answer.mirrored(mirrored) == pytest.approx(targets)
    assert not np.allclose(mirrored, targets)


def points_answer(order: int, span: int) -> PointsAnswer:
    return PointsAnswer(cascade_pb2.PointsAnswer(order=order, range=span), LAYOUT, clean)


@pytest.mark.parametrize("order", [0, 1])
@pytest.mark.parametrize("span", [0, 1])
def test_the_answer_of_points_is_undone(order: int, span: int) -> None:
    points = np.random.default_rng(1).uniform(0, 40, (3, 5, 2))
    answer = points_answer(order, span)
    targets = point_targets(answer, WINDOWS, points, NOT_MIRRORED)
    found = answer.read(targets, WINDOWS, candidates())
    assert np.array([one.points for one in found]) == pytest.approx(points, abs=1e-5)


@pytest.mark.parametrize("order", [0, 1])
@pytest.mark.parametrize("span", [0, 1])
def test_points_in_a_mirrored_picture(order: int, span: int) -> None:
    """They are those of the mirrored points in the mirrored picture's own window."""
    points, columns = np.random.default_rng(2).uniform(0, 40, (3, 5, 2)), 90
    there = np.array((columns - 1, 0)) + points[:, list(LAYOUT.flip)] * (-1, 1)
    turned = [Window(columns - one.x - one.width, one.y, one.width, one.height) for one in WINDOWS]
    answer = points_answer(order, span)
    wanted = point_targets(answer, turned, there, NOT_MIRRORED)
    assert point_targets(answer, WINDOWS, points, MIRRORED) == pytest.approx(wanted)


def test_nothing_to_answer() -> None:
    nothing = np.zeros((0, 5, 2))
    assert point_targets(points_answer(0, 0), [], nothing, np.zeros(0, np.bool_)).shape == (0, 10)
