"""The mean shape, frames of faces, and errors that are drawn again as they were."""

from __future__ import annotations

import numpy as np
import pytest

from protoface.cascade.layouts import find_layout
from protoface.trainers.recipe.jitter import (
    Jitter,
    frames,
    from_complex,
    in_frame,
    mean_shape,
    measured_jitter,
    pose_weights,
    to_complex,
)
from protoface.trainers.recipe.recipe_pb2 import JitterParameter

FIVE = find_layout("celeba5")
FLIP = list(FIVE.flip)
SHAPE = np.array([-0.5 - 0.4j, 0.5 - 0.4j, 0.1j, -0.4 + 0.6j, 0.4 + 0.6j])


def faces(count: int, noise: float = 0.0, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    a = rng.uniform(20, 80, count) * np.exp(1j * rng.normal(0, 0.2, count))
    b = rng.uniform(50, 300, count) + 1j * rng.uniform(50, 300, count)
    own = SHAPE + noise * to_complex(rng.normal(size=(count, 5, 2)))
    return from_complex(a[:, None] * own + b[:, None])


def test_frames_are_numpys_least_squares() -> None:
    points = faces(4, 0.1)
    a, b = frames(SHAPE, points)
    for index, face in enumerate(to_complex(points)):
        columns = np.stack((SHAPE, np.ones(5)), axis=1)
        expected = np.linalg.lstsq(columns, face, rcond=None)[0]
        assert np.allclose((a[index], b[index]), expected)


def test_the_mean_shape_is_found_whatever_the_faces_size_and_turn() -> None:
    found = mean_shape(faces(50), FIVE)
    assert np.allclose(found, SHAPE - SHAPE.mean())
    noisy = mean_shape(faces(2000, 0.05), FIVE)
    assert np.allclose(noisy, SHAPE - SHAPE.mean(), atol=0.02)
    assert np.allclose(noisy, -np.conj(noisy[FLIP]))  # symmetric
    assert abs(noisy[1] - noisy[0]) == pytest.approx(1)


def test_the_mean_shape_of_many_points() -> None:
    """Its eyes are the ends of the layout's own distance, each the mean of several points."""
    layout = find_layout("ibug68")
    generator = np.random.default_rng(3)
    half = to_complex(generator.uniform(-1, 1, (68, 2)))
    own = (half - np.conj(half[list(layout.flip)])) / 2  # symmetric
    left, right = (own[list(end)].mean() for end in layout.ends("inter_pupil"))
    own = own / (right - left)
    own = own - own.mean()
    a = generator.uniform(20, 80, 40) * np.exp(1j * generator.normal(0, 0.3, 40))
    points = from_complex(a[:, None] * own + generator.uniform(50, 300, (40, 1)))
    assert np.allclose(mean_shape(points, layout), own)


def test_drawn_errors_are_the_measured_ones_or_their_mirror_images() -> None:
    truth = faces(20, seed=1)
    rng = np.random.default_rng(2)
    found = truth + rng.normal((3, 0), (2, 5), truth.shape)
    jitter = measured_jitter(SHAPE, found, truth, FLIP, JitterParameter(factor=1, noise=0))
    a, _ = frames(SHAPE, truth)
    measured = to_complex(found - truth) / a[:, None]
    allowed = np.concatenate((measured, -np.conj(measured[:, FLIP])))
    others = faces(400, seed=3)
    starts = jitter.starts(others, np.random.default_rng(4))
    scale, _ = frames(SHAPE, others)
    drawn = to_complex(starts - others) / scale[:, None]
    distance = np.abs(drawn[:, None] - allowed).max(axis=2)
    assert distance.min(axis=1).max() < 1e-9
    assert len(set(distance.argmin(axis=1))) == 40  # all of them come


def test_their_distribution_is_the_measured_one() -> None:
    truth = faces(300, seed=1)
    found = truth + np.random.default_rng(2).normal(0, (2, 6), truth.shape)
    jitter = measured_jitter(SHAPE, found, truth, FLIP, JitterParameter(factor=2, noise=0))
    same = np.repeat(faces(1), 20_000, axis=0)
    a, _ = frames(SHAPE, same)
    drawn = to_complex(jitter.starts(same, np.random.default_rng(0)) - same) / a[:, None]
    measured = 2 * to_complex(found - truth) / frames(SHAPE, truth)[0][:, None]
    for part in (np.real, np.imag):
        assert part(drawn).std() == pytest.approx(part(measured).std(), rel=0.03)


def test_a_least_factor_spreads_their_sizes() -> None:
    truth = faces(1)
    options = JitterParameter(factor=2, least_factor=0.5)
    jitter = measured_jitter(SHAPE, truth + 3.0, truth, FLIP, options)
    same = np.repeat(truth, 5000, axis=0)
    sizes = np.linalg.norm(jitter.starts(same, np.random.default_rng(0)) - same, axis=2)[:, 0]
    sizes /= np.linalg.norm((3, 3))
    assert 0.5 <= sizes.min() < 0.51
    assert 1.99 < sizes.max() <= 2
    assert sizes.mean() == pytest.approx(1.25, rel=0.02)


def two_kinds(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Faces with the nose to the left, then as many from the front, and points found with errors."""
    turned = SHAPE + np.array([0, 0, -0.3, 0, 0])
    own = np.repeat([turned, SHAPE], count, axis=0)
    truth = from_complex(50 * own + 100)
    found = truth.copy()
    found[:count] += (10, 0)  # a fifth of the eye distance, away from the nose
    found[count:] += (0, 1)
    return truth, found


def test_alike_faces_lend_their_errors() -> None:
    truth, found = two_kinds(20)
    options = JitterParameter(factor=1, noise=0, alike=10)
    jitter = measured_jitter(SHAPE, found, truth, FLIP, options)
    left, front = np.repeat(truth[:1], 50, axis=0), np.repeat(truth[-1:], 50, axis=0)
    moved = jitter.starts(left, np.random.default_rng(0)) - left
    assert np.allclose(moved, (10, 0), atol=1e-6)
    moved = jitter.starts(front, np.random.default_rng(0)) - front
    assert np.allclose(moved, (0, 1), atol=1e-6)


def test_mirrored_faces_get_mirrored_errors() -> None:
    """A face with its nose to the right, of which there is none among the validation faces."""
    truth, found = two_kinds(20)
    jitter = measured_jitter(SHAPE, found, truth, FLIP, JitterParameter(alike=10))
    right = np.repeat((truth[:1] * (-1, 1) + (300, 0))[:, FLIP], 50, axis=0)
    moved = jitter.starts(right, np.random.default_rng(0)) - right
    assert np.allclose(moved, (-10, 0), atol=1e-6)


def test_more_alike_faces_than_there_are_is_all_of_them() -> None:
    truth = faces(20, 0.1, seed=1)
    found = truth + np.random.default_rng(2).normal(0, 5, truth.shape)
    some, everyone = (
        measured_jitter(SHAPE, found, truth, FLIP, JitterParameter(alike=count)) for count in (3, 999)
    )
    same = np.repeat(faces(1), 2000, axis=0)

    def kinds(jitter: Jitter) -> int:
        moved = jitter.starts(same, np.random.default_rng(0)) - same
        return len(np.unique(moved.round(6), axis=0))

    assert (kinds(some), kinds(everyone)) == (3, 40)


def test_forms_are_what_differs_from_the_mean_shape() -> None:
    points = faces(5)
    assert np.allclose(in_frame(SHAPE, points), 0)
    own = SHAPE + np.array([0, 0, -0.3, 0, 0])
    form = in_frame(SHAPE, from_complex((7 + 3j) * own + 20)[None])[0]
    a, b = np.linalg.lstsq(np.stack((SHAPE, np.ones(5)), axis=1), own, rcond=None)[0]
    assert np.allclose(form, (own - b) / a - SHAPE)


def test_noise_is_in_eye_distances() -> None:
    truth = faces(5)
    jitter = measured_jitter(SHAPE, truth, truth, FLIP, JitterParameter(factor=1, noise=0.1))
    same = np.repeat(faces(1), 5000, axis=0)
    moved = jitter.starts(same, np.random.default_rng(0)) - same
    eyes = np.linalg.norm(same[0, 1] - same[0, 0])
    assert moved.std() == pytest.approx(0.1 * eyes, rel=0.02)


def test_rare_poses_come_more_often() -> None:
    points = faces(200, 0.02)
    points[7, :, 0] = points[7, :, 0].mean() + 0.2 * (points[7, :, 0] - points[7, :, 0].mean())
    weights = pose_weights(SHAPE, points, 1)
    assert weights[7] == weights.max() == 4
    assert np.median(weights) == pytest.approx(1, abs=0.1)
    assert (pose_weights(SHAPE, points, 0) == 1).all()


def test_faces_whose_points_coincide_do_no_harm() -> None:
    points = faces(10)
    points[3] = 5.0
    assert np.isfinite(mean_shape(points, FIVE)).all()
    assert np.isfinite(pose_weights(SHAPE, points, 1)).all()
    jitter = measured_jitter(SHAPE, points + 1, points, FLIP, JitterParameter(factor=1, noise=0))
    assert len(jitter.errors) == 9
    assert np.isfinite(in_frame(SHAPE, points)).all()
