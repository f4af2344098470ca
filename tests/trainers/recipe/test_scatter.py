"""Faces put elsewhere: labels stay on them, all sizes and places come, and no second face as large."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from protoface.cascade.windows.window import Window, to_window
from protoface.trainers.recipe import recipe_pb2
from protoface.trainers.recipe.sampler import Batch, Sampler
from protoface.trainers.recipe.scatter import Scatter, face_size
from protoface.trainers.recipe.sources import Source

from .test_sampler import TURNED, centroid, marked, noise_picture, source, still, view

MAGENTA = (255, 0, 255)


@pytest.fixture(autouse=True)
def few_backgrounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """To draw all of them takes a third of a second."""
    monkeypatch.setattr("protoface.trainers.recipe.scatter.BACKGROUNDS", 100)


def scatter(sources: list[Source], **options: float) -> Scatter:
    parameter = recipe_pb2.ScatterParameter(**{"probability": 1, **options})
    return Scatter(parameter, sources, [0])


def batch(image: np.ndarray, count: int, number: int = 0, **augment: float) -> Batch:
    training = still(**augment)
    training.batch_size = count
    training.scatter.probability = 1
    a_view = view("picture")
    return Sampler(a_view, [source(a_view, image)], training, [3]).batch(number)


def test_labels_stay_on_the_points(monkeypatch: pytest.MonkeyPatch) -> None:
    """A mark at each point, alone in the dark, lies where the label of that point says."""
    monkeypatch.setattr("protoface.trainers.recipe.scatter.synthetic_scene.background", darkness)
    pictures = [batch(marked(point), 24, rotation=20.0) for point in TURNED]
    labels = pictures[0].labels.numpy()
    assert all((other.labels.numpy() == labels).all() for other in pictures)
    far = []
    for row in range(24):
        for answer, picture in enumerate(pictures):
            plane = picture.inputs[row, 0].numpy() / 0.02 + 100
            if plane.max() > 60:  # not so small that nothing is left of it, and not cut off
                expected = (labels[row, answer] + 1) * 47 / 2
                far.append(np.linalg.norm(centroid(plane) - expected))
    assert len(far) > 40
    assert max(far) < 1


def darkness(generator: np.random.Generator, rows: int, columns: int) -> np.ndarray:
    return np.zeros((rows, columns, 3), np.uint8)


def test_all_sizes_and_places_come_and_the_face_is_whole() -> None:
    image = noise_picture()
    scattered, generator = (
        scatter([source(view("picture"), image)]),
        np.random.default_rng(1),
    )
    windows = [scattered.window(generator, TURNED, 10.0) for _ in range(1000)]
    sides = np.array([(window.width * window.height) ** 0.5 for window in windows])
    sizes = np.log(face_size(TURNED) / sides)
    assert sizes.min() >= np.log(0.045) - 1e-9
    assert sizes.max() <= np.log(0.45) + 1e-9
    quarters = np.quantile(sizes, (0.25, 0.5, 0.75))
    expected = np.log(0.045) + np.array((0.25, 0.5, 0.75)) * np.log(10)
    np.testing.assert_allclose(quarters, expected, atol=0.15)
    places = np.array([to_window(TURNED, window) for window in windows])
    assert np.abs(places).max() < 1
    middles = places.mean(1)[sizes < np.log(0.1)]
    assert (middles.std(0) > 0.4).all()  # 0.58 over all of the window
    assert {window.angle for window in windows} == {10.0}
    shapes = np.log([window.width / window.height for window in windows])
    assert shapes.std() == pytest.approx(0.3, rel=0.1)


def test_a_turned_face_is_not_smaller() -> None:
    front = np.array([(-1, -1), (1, -1), (0, 0), (-0.8, 1.2), (0.8, 1.2)], np.float64)
    assert face_size(front * 20) == pytest.approx(40)
    assert face_size(front * (6, 20)) == pytest.approx(0.9 * 44)


def test_the_picture_stays_and_its_surroundings_change() -> None:
    white = np.full((390, 400, 3), 255, np.uint8)
    a_view, generator = view("picture"), np.random.default_rng(4)
    a_source = source(a_view, white)
    window = Window(-800, -780, 2000, 1950)  # the picture is the middle fifth
    part = np.full((48, 48, 3), 255, np.uint8)
    black = source(a_view, np.zeros_like(white))
    scattered, changed = scatter([black]), []
    for _ in range(50):
        covered = scattered.cover(generator, part, a_source, window)
        assert (covered[23:26, 23:26] == 255).all()  # the face itself
        changed.append(bool((covered != 255).any()))
        assert part.min() == 255
    assert 0.7 < np.mean(changed) < 1  # some repeat their edge, as in detection
    inside = Window(100, 80, 180, 180)
    assert all(
        (scattered.cover(generator, part, a_source, inside) == 255).mean() > 0.2 for _ in range(10)
    )


def test_there_is_no_other_face() -> None:
    """The face of the picture that lends its parts is magenta, from one eye to the other and below."""
    image = np.full((390, 400, 3), 90, np.uint8)
    points = TURNED + (-10, -20)
    left, top = points.min(0).astype(int)
    right, bottom = points.max(0).astype(int)
    image[top - 20 : bottom + 10, left - 20 : right + 20] = MAGENTA
    scattered = scatter([source(view("picture"), image, points)])
    scattered.drawn = [np.full_like(drawn, 90) for drawn in scattered.drawn]
    generator = np.random.default_rng(5)
    for _ in range(100):
        assert (scattered.surroundings(generator, 48, 40) == 90).mean() > 0.999


def test_other_people_have_smaller_faces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Magenta from eye to eye: it shows how large their faces are, and the one that counts has none."""
    monkeypatch.setattr("protoface.trainers.recipe.scatter.MOST", 1)
    image = np.full((390, 400, 3), 90, np.uint8)
    (left, top), (right, bottom) = TURNED.min(0).astype(int), TURNED.max(0).astype(int)
    image[top:bottom, left:right] = MAGENTA
    a_view = view("picture")
    grey, lent = (source(a_view, np.full_like(image, 90), TURNED), source(a_view, image, TURNED))
    scattered = scatter([lent], others=1)
    scattered.drawn = [np.full_like(drawn, 90) for drawn in scattered.drawn]
    generator, widths = np.random.default_rng(6), []
    window = Window(-800, -780, 2000, 1950)
    size = face_size(TURNED) * 480 / window.width
    for _ in range(100):
        picture = scattered.cover(generator, np.full((468, 480, 3), 90, np.uint8), grey, window)
        seen = (picture == MAGENTA).all(2).any(0)
        if seen.any():
            widths.append(np.flatnonzero(seen)[-1] - np.flatnonzero(seen)[0] + 1)
    part = (right - left) / face_size(TURNED)
    assert len(widths) > 70
    assert 0.5 * size * part < max(widths) <= 0.7 * size * part + 1
    assert np.median(widths) < 0.55 * size * part


def test_the_same_batches_for_the_same_seed() -> None:
    image = noise_picture()
    again, other = batch(image, 8, 2), batch(image, 8, 3)
    assert torch.equal(batch(image, 8, 2).inputs, again.inputs)
    assert not torch.equal(again.inputs, other.inputs)


@pytest.mark.parametrize("kind", ["similarity", "patches"])
def test_only_whole_pictures_are_scattered(kind: str) -> None:
    a_view, image = view(kind), noise_picture()
    training = still()
    unchanged = Sampler(a_view, [source(a_view, image)], training, [3]).batch(0)
    training.scatter.probability = 1
    sampler = Sampler(a_view, [source(a_view, image)], training, [3])
    assert sampler.scatter is None
    assert torch.equal(sampler.batch(0).inputs, unchanged.inputs)
