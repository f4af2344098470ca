"""The one-euro filter: the paper's formula, steady at rest, quick in motion, a lost face forgotten."""

import json
import math

import cv2
import numpy as np
import pytest

from protoface.cascade import Face, load
from protoface.cascade.detect import How, detect_sources
from protoface.cascade.face import bounds
from protoface.cascade.inputs import find_sources
from protoface.cascade.results import Seen
from protoface.cascade.video.smoothing import OneEuro, Smoothing, smoothed
from protoface.cascade.windows.window import NOTHING, Window
from protoface.cli import protoface, run

SHAPE = np.array([(-0.37, -0.41), (0.38, -0.42), (-0.01, 0.04), (-0.33, 0.39), (0.33, 0.4)])
SIZE = 100 * np.hypot(0.75, 0.82)
BOX = np.array([1.0, 2, 3, 4])


class Paper:
    """Algorithm 1 of the paper as it is printed, for one number."""

    def __init__(self, mincutoff: float, beta: float, dcutoff: float) -> None:
        self.mincutoff, self.beta, self.dcutoff = mincutoff, beta, dcutoff
        self.hatxprev: float | None = None
        self.hatdxprev = 0.0

    @staticmethod
    def alpha(rate: float, cutoff: float) -> float:
        tau = 1.0 / (2 * math.pi * cutoff)
        te = 1.0 / rate
        return 1.0 / (1.0 + tau / te)

    def filter(self, x: float, rate: float) -> float:
        if self.hatxprev is None:
            self.hatxprev = x
            return x
        dx = (x - self.hatxprev) * rate
        a = self.alpha(rate, self.dcutoff)
        edx = a * dx + (1 - a) * self.hatdxprev
        cutoff = self.mincutoff + self.beta * abs(edx)
        a = self.alpha(rate, cutoff)
        self.hatdxprev, self.hatxprev = edx, a * x + (1 - a) * self.hatxprev
        return self.hatxprev


def film(centres: np.ndarray, noise: float = 0, seed: int = 0) -> np.ndarray:
    """Points (frames, 5, 2) of a face of SIZE around each centre."""
    points = SHAPE * 100 + centres[:, None]
    return (points + np.random.default_rng(seed).normal(size=points.shape) * noise).astype(np.float32)


def filtered(points: np.ndarray, rate: float = 30, setting: Smoothing | None = None) -> np.ndarray:
    smoother = OneEuro(setting or Smoothing())
    return np.array([smoother(face, number / rate) for number, face in enumerate(points)])


@pytest.mark.parametrize("rate", [15, 60])
def test_every_coordinate_is_the_papers_filter(rate):
    """The size stays the same here, so the paper's beta is ours over it."""
    move = np.cumsum(np.random.default_rng(0).normal(size=(80, 2)) * 3, axis=0) + 200
    points = film(move)
    found = filtered(points, rate, Smoothing(1.3, 7))
    for point, axis in ((0, 0), (3, 1)):
        paper = Paper(1.3, 7 / SIZE, 1.0)
        expected = [paper.filter(float(x), rate) for x in points[:, point, axis]]
        np.testing.assert_allclose(found[:, point, axis], expected, atol=1e-3)


def test_a_still_face_trembles_a_quarter_as_much():
    points = film(np.full((300, 2), 200.0), noise=1.5)
    steps = [np.diff(film, axis=0)[30:].std() for film in (points, filtered(points))]
    assert steps[1] < 0.26 * steps[0]
    errors = np.abs(filtered(points) - film(np.full((300, 2), 200.0))).mean()
    assert errors < 0.6 * np.abs(points - film(np.full((300, 2), 200.0))).mean()


@pytest.mark.parametrize(("speed", "frames"), [(0.3, 1), (1, 0.5), (3, 0.25)])
def test_a_moving_face_is_followed_closely(speed, frames):
    """Behind by no more than so many frames of 1/30 s, whatever its speed in faces per second."""
    x = np.arange(90) / 30 * speed * SIZE
    points = film(np.stack([x, np.zeros(90)], 1))
    behind = (points - filtered(points))[15:, :, 0]
    assert (behind >= 0).all()
    assert behind.max() < frames * speed * SIZE / 30


def test_the_same_film_in_another_resolution_is_smoothed_alike():
    points = film(np.full((100, 2), 200.0), noise=1.5)
    np.testing.assert_allclose(filtered(points * 4), filtered(points) * 4, rtol=1e-4)


def test_another_face_starts_anew():
    """A cut of the film, points that are none, an empty window: nothing of the old face remains."""
    here, there = film(np.full((5, 2), 200.0), 2), film(np.full((5, 2), 400.0), 2, seed=1)
    np.testing.assert_array_equal(filtered(np.concatenate([here, there]))[5:], filtered(there))
    gap = np.full((1, 5, 2), np.nan, np.float32)
    found = filtered(np.concatenate([here, gap, here + 20]))
    assert np.isnan(found[5]).all()
    np.testing.assert_array_equal(found[6], here[0] + 20)
    smoother, first = OneEuro(Smoothing()), here[4]
    points = (here[0], here[0] + 5, here[0] + 10, here[0] + 15)
    windows = (Window(0, 0, 9, 9), Window(0, 0, 9, 9), NOTHING, Window(0, 0, 9, 9))
    answers = [
        smoothed(Face(BOX, 0.5, face, (first, face), (window, window), 3), smoother, number / 30)
        for number, (face, window) in enumerate(zip(points, windows, strict=True))
    ]
    same = [np.array_equal(found.points, face) for found, face in zip(answers, points, strict=True)]
    assert same == [True, False, True, True]
    assert all(found.stages[1] is found.points for found in answers)
    assert all(found.stages[0] is first for found in answers)
    # all else is the face's own
    assert all((found.box is BOX, found.score, found.id) == (True, 0.5, 3) for found in answers)


def test_bounds_of_the_points_follow_them():
    """The box that is the bounds of the points stays that; a box that was given stays as it is."""
    smoother = OneEuro(Smoothing())
    for points in film(np.full((5, 2), 200.0), 2)[:3]:
        face = Face(bounds(points), 0.5, points, (points,), (Window(0, 0, 9, 9),))
        found = smoothed(face, smoother, 1 / 30)
        np.testing.assert_array_equal(found.box, bounds(found.points))
    assert not np.array_equal(found.points, points)


def test_two_frames_at_one_time_do_no_harm():
    smoother, points = OneEuro(Smoothing()), film(np.full((2, 2), 200.0), 2)
    smoother(points[0], 1.0)
    assert np.isfinite(smoother(points[1], 1.0)).all()


@pytest.mark.usefixtures("videos")
def test_a_video_on_the_command_line(tmp_path, shared, published):
    """A still photograph with noise, 20 frames: the final points move less, level 1's are untouched."""
    image = cv2.resize(
        cv2.imread(str(next((shared / "original" / "demo_images").iterdir()))), (160, 200)
    )
    noise = np.random.default_rng(0).normal(size=(20, *image.shape)) * 8
    path = str(tmp_path / "film.avi")
    writer = cv2.VideoWriter(path, cv2.VideoWriter.fourcc(*"MJPG"), 25, (160, 200))
    for frame in noise:
        writer.write(np.clip(image + frame, 0, 255).astype(np.uint8))
    writer.release()
    weights = [item for file in published for item in ("--weights", str(file))]
    plain, steady = tmp_path / "plain.json", tmp_path / "steady.json"
    command = ["detect", path, "--model", "original", *weights, "--json"]
    assert run(protoface, [*command, str(plain)]) == 0
    assert run(protoface, [*command, str(steady), "--smooth", "--out", str(tmp_path / "out")]) == 0
    first, second = (
        [json.loads(line) for line in file.read_text().splitlines()] for file in (plain, steady)
    )
    assert [row["level_1"] for row in first] == [row["level_1"] for row in second]
    tremble = [
        np.abs(np.diff([row["points"] for row in rows], axis=0)).mean() for rows in (first, second)
    ]
    assert 0 < tremble[1] < 0.5 * tremble[0]
    found = [row["points"] for row in first]
    expected = filtered(np.array(found, np.float32), 25)
    np.testing.assert_allclose([row["points"] for row in second], expected, atol=1e-3)
    assert (tmp_path / "out" / "film.mp4").stat().st_size
    original = load("original", weights=published)
    seen: list[Seen] = []
    detect_sources(original, find_sources([path]), seen.append, How(smoothing=Smoothing(0.1, 0)))
    still = np.abs(np.diff([row["points"] for one in seen for row in one.rows], axis=0)).mean()
    assert still < tremble[1]  # a lower cut-off
