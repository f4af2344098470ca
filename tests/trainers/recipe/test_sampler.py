"""What is trained on is what detection sees, and labels stay on the points whatever is changed."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from protoface.cascade import cascade_pb2
from protoface.cascade.answers.points import PointsAnswer
from protoface.cascade.face import Candidate
from protoface.cascade.layouts import Layout, find_layout
from protoface.cascade.views.pixels import PixelsView
from protoface.cascade.windows import clean
from protoface.cascade.windows.window import Window
from protoface.converters.prototxt import parse_message
from protoface.trainers.recipe import recipe_pb2
from protoface.trainers.recipe.jitter import Jitter, to_complex
from protoface.trainers.recipe.sampler import Batch, Sampler
from protoface.trainers.recipe.sources import Source, make_source

from .recipe_run import SHAPE

Training = recipe_pb2.TrainingParameter
FIVE = find_layout("celeba5")
FLIP = list(FIVE.flip)
WINDOWS = {
    "picture": "picture {}",
    "square": 'square { around: "nose" k: 3.5 a: "nose" b: "left_eye" }',
    "similarity": f"similarity {{ {SHAPE} }}",
    "upright": f"similarity {{ {SHAPE} upright: false }}",
    "patches": f"similarity {{ {SHAPE} patch: 0.6 }}",
}
KINDS = pytest.mark.parametrize("kind", list(WINDOWS))
TURNED = np.array([(150, 130), (240, 150), (190, 190), (145, 222), (205, 240)], np.float64)


def view_of(
    window: str, size: int = 48, more: str = "interpolation: AREA", layout: Layout = FIVE
) -> PixelsView:
    preprocess = f"mean: 100 scale: 0.02 size: {size} {more}"
    text = f"preprocess {{ {preprocess} }} window {{ {window} }}"
    parameter = parse_message(text, cascade_pb2.PixelsView(), "text")
    return PixelsView(parameter, layout, clean, "stage 's'")


def view(kind: str, size: int = 48, more: str = "interpolation: AREA") -> PixelsView:
    return view_of(WINDOWS[kind], size, more)


def window_over(a_view: PixelsView, image: np.ndarray, points: np.ndarray) -> Window:
    return a_view.window.over(image.shape[:2], None, points)


def placed(a_view: PixelsView, labels: torch.Tensor, window: Window) -> np.ndarray:
    """Where a net's answer `labels` (points, 2) lies in the picture, as the cascade reads it."""
    answer = PointsAnswer(cascade_pb2.PointsAnswer(), a_view.layout, clean)
    candidate = Candidate(0, (390, 400))
    (found,) = answer.read(labels.numpy().reshape(1, -1), [window], [candidate])
    assert found.points is not None
    return found.points


def still(**changes: float) -> Training:
    """A training without augmentation but for `changes`."""
    none = {field.name: 0.0 for field in recipe_pb2.AugmentParameter.DESCRIPTOR.fields}
    return Training(batch_size=16, augment={**none, **changes})


def noise_picture(rows: int = 390, columns: int = 400) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (rows, columns, 3), np.uint8)


def source(a_view: PixelsView, image: np.ndarray, points: np.ndarray = TURNED) -> Source:
    made = make_source(a_view, image, points)
    assert made is not None
    return made


def batch(kind: str, image: np.ndarray, training: Training, size: int = 48) -> Batch:
    a_view = view(kind, size)
    return Sampler(a_view, [source(a_view, image)], training, [3]).batch(0)


def difference(kind: str, size: int, image: np.ndarray, points: np.ndarray) -> float:
    """Grey levels between what is sampled without augmentation and what detection sees."""
    a_view = view(kind, size)
    window = window_over(a_view, image, points)
    seen = a_view.make_input([image], [window])
    sampled = Sampler(a_view, [source(a_view, image, points)], still(), [3]).batch(0)
    assert np.abs(placed(a_view, sampled.labels[0], window) - points).max() < 1e-2
    return float(np.abs(sampled.inputs[:1].numpy() - seen).max() / 0.02)


@pytest.mark.parametrize("size", [16, 48, 200])
@pytest.mark.parametrize("kind", ["square", "similarity", "upright"])
def test_unchanged_it_is_what_detection_sees(kind: str, size: int) -> None:
    assert difference(kind, size, noise_picture(), TURNED) < 1.01


@pytest.mark.parametrize("shift", [(-130, -100), (180, 160)])
@pytest.mark.parametrize("kind", ["similarity", "upright"])
def test_at_the_pictures_edges_and_beyond_too(kind: str, shift: tuple[int, int]) -> None:
    assert difference(kind, 48, noise_picture(), TURNED + shift) < 1.01


@KINDS
@pytest.mark.parametrize("shift", [(0, 0), (-110, -100)])
def test_where_blocks_differ_it_is_the_same_but_for_the_filter(
    kind: str, shift: tuple[int, int]
) -> None:
    """Patches share one source; windows that are no squares are shrunk alike in both directions."""
    y, x = np.mgrid[:390, :400]
    planes = (x * 0.4 + y * 0.2, 90 + 60 * np.sin(x / 40), 90 + 60 * np.cos(y / 30))
    smooth = np.stack(planes, axis=2).astype(np.uint8)
    assert difference(kind, 24, smooth, TURNED + shift) < 4


@pytest.mark.parametrize("more", ["interpolation: LINEAR", "color_order: RGB mean: 90 mean: 80"])
def test_other_ways_of_sampling_and_colours(more: str) -> None:
    a_view, image = view("similarity", 32, more), noise_picture()
    seen = a_view.make_input([image], [window_over(a_view, image, TURNED)])
    sampled = Sampler(a_view, [source(a_view, image)], still(), [3]).batch(0)
    assert np.abs(sampled.inputs[:1].numpy() - seen).max() < 0.021


def marked(point: np.ndarray) -> np.ndarray:
    """A dark picture with one bright, round mark."""
    y, x = np.mgrid[:390, :400]
    mark = 255 * np.exp(-((x - point[0]) ** 2 + (y - point[1]) ** 2) / (2 * 6.0**2))
    return np.repeat(mark[..., None], 3, axis=2).astype(np.uint8)


def centroid(plane: np.ndarray) -> np.ndarray:
    weight = np.clip(plane - 0.2 * plane.max(), 0, None)
    y, x = np.mgrid[: len(plane), : len(plane)]
    return np.array(((weight * x).sum(), (weight * y).sum())) / weight.sum()


@KINDS
def test_labels_stay_on_the_points(kind: str) -> None:
    """A mark at each point is found again where the label says, to less than a pixel."""
    size = 48
    training = still(shift=0.03, scale=0.08, rotation=10, flip=0.5)
    pictures = [batch(kind, marked(point), training) for point in TURNED]
    labels = pictures[0].labels.numpy()
    assert all((other.labels.numpy() == labels).all() for other in pictures)
    far, mirrored = [], 0
    for row in range(len(labels)):
        for answer in range(5):
            # in a mirrored picture the label `answer` is that of another mark
            found = []
            for picture in pictures:
                planes = picture.inputs[row].numpy() / 0.02 + 100
                plane = planes[3 * answer] if kind == "patches" else planes[0]
                found.append(centroid(plane) if plane.max() > 100 else np.full(2, 1e3))
            expected = (labels[row, answer] + 1) * (size - 1) / 2
            away = np.linalg.norm(np.array(found) - expected, axis=1)
            mirrored += away.argmin() != answer
            assert away.argmin() in (answer, FLIP[answer])
            far.append(away.min())
    assert max(far) < 1
    assert 0 < mirrored < 4 * len(labels)


def test_labels_of_a_mirrored_picture_change_places_and_sign() -> None:
    plain, mirrored = (batch("similarity", noise_picture(), still(flip=p)) for p in (0.0, 1.0))
    assert torch.allclose(mirrored.labels, plain.labels[:, FLIP] * torch.tensor([-1.0, 1.0]))
    assert torch.equal(mirrored.inputs, plain.inputs.flip(3))
    plain, mirrored = (batch("patches", noise_picture(), still(flip=p)) for p in (0.0, 1.0))
    planes = plain.inputs.reshape(16, 5, 3, 48, 48)[:, FLIP].flip(4).reshape(16, 15, 48, 48)
    assert torch.equal(mirrored.inputs, planes)


def test_a_later_stage_starts_from_wrong_points_but_learns_the_true_ones() -> None:
    a_view, image = view("similarity"), noise_picture()
    shape = to_complex(np.array([(-0.5, -0.4), (0.5, -0.4), (0, 0.1), (-0.4, 0.6), (0.4, 0.6)]))
    off = Jitter(shape, np.full((1, 5), 0.1 + 0j), [0, 1, 2, 3, 4], 0.0)
    sampled = Sampler(a_view, [source(a_view, image)], still(), [3], jitter=off).batch(0)
    plain = batch("similarity", image, still())
    # all points are 0.1 eye distances too far along the face's own axis, to either side
    moved = (sampled.labels - plain.labels).numpy()
    assert np.abs(moved[..., 1]).max() < 0.01
    assert np.allclose(np.abs(moved[..., 0]), 0.1 * 0.9, atol=0.01)
    assert 0 < (moved[:, 0, 0] > 0).sum() < 16


def test_a_start_that_shows_nothing_gives_way_to_the_true_points() -> None:
    a_view, image = view("similarity"), noise_picture()
    shape = to_complex(TURNED)
    lost = Jitter(shape, np.full((1, 5), 1e5 + 0j), FLIP, 0.0)
    sampled = Sampler(a_view, [source(a_view, image)], still(), [3], jitter=lost).batch(0)
    assert torch.equal(sampled.inputs, batch("similarity", image, still()).inputs)


def test_units_and_eyes_are_in_half_sides() -> None:
    sampled = batch("picture", noise_picture(200, 400), still())
    half = np.sqrt(200 * 400) / 2
    errors = (sampled.labels[0] * sampled.units[0]).numpy() * half
    eyes = np.linalg.norm(TURNED[0] - TURNED[1])
    assert np.linalg.norm(errors[0] - errors[1]) == pytest.approx(eyes, rel=0.01)
    assert float(sampled.eyes[0]) == pytest.approx(eyes / half)


def many(training: Training, seed: int = 3, weights: np.ndarray | None = None) -> Sampler:
    a_view = view("similarity", 16)
    sources = [source(a_view, noise_picture(), TURNED + index) for index in range(10)]
    return Sampler(a_view, sources, training, [seed], weights)


def test_every_face_comes_once_an_epoch() -> None:
    sampler = many(Training(batch_size=4))
    seen = np.concatenate([sampler.chosen(number) for number in range(5)])
    assert sorted(seen[:10]) == sorted(seen[10:]) == list(range(10))
    assert list(seen[:10]) != list(seen[10:])
    # in any order, and where a batch is longer than an epoch
    assert np.array_equal(many(Training(batch_size=4)).chosen(3), sampler.chosen(3))
    assert np.array_equal(many(Training(batch_size=20)).chosen(0), seen)


def test_weights_say_how_often_a_face_comes() -> None:
    weights = np.array([4.0] + [1.0] * 9)
    sampler = many(Training(batch_size=1000), weights=weights)
    counts = np.bincount(sampler.chosen(0), minlength=10)
    assert counts[0] / counts[1:].mean() == pytest.approx(4, rel=0.2)


def test_batches_follow_from_the_seed_alone() -> None:
    first, again, other = (many(Training(batch_size=8), seed) for seed in (1, 1, 2))
    first.batch(0)
    assert torch.equal(first.batch(5).inputs, again.batch(5).inputs)
    assert torch.equal(first.batch(5).labels, again.batch(5).labels)
    assert not torch.equal(first.batch(5).labels, other.batch(5).labels)


def test_a_face_too_small_for_its_window_has_no_source() -> None:
    assert make_source(view("similarity"), noise_picture(), TURNED / 1000) is None


def test_sources_are_as_small_as_detection_allows() -> None:
    made = source(view("similarity", 24), noise_picture(3900, 4000), TURNED * 10)
    assert made.factor == 2 ** int(np.log2(made.window.width / 24 / 0.75)) > 30
    assert max(made.pixels.shape) < 2 * 2.2 * 1.5 * 24


@pytest.fixture
def many_points() -> np.ndarray:
    """68 points of a face as large as TURNED's."""
    return np.random.default_rng(5).uniform((140, 120), (250, 250), (68, 2))


@pytest.mark.parametrize("patch", ["", "patch: 0.5"])
def test_any_layout_is_sampled_as_detection_sees_it(patch: str, many_points: np.ndarray) -> None:
    layout, image = find_layout("ibug68"), noise_picture()
    shape = " ".join(f"shape {{ x: {x} y: {y} }}" for x, y in (many_points - (195, 185)) / 100)
    a_view = view_of(f"similarity {{ {shape} {patch} }}", 16, layout=layout)
    sources = [source(a_view, image, many_points)]
    plain, mirrored = (
        Sampler(a_view, sources, still(flip=chance), [3]).batch(0) for chance in (0.0, 1.0)
    )
    window = window_over(a_view, image, many_points)
    assert plain.inputs.shape == (16, 204 if patch else 3, 16, 16)
    assert np.abs(placed(a_view, plain.labels[0], window) - many_points).max() < 1e-2
    flip = list(layout.flip)
    assert torch.allclose(mirrored.labels, plain.labels[:, flip] * torch.tensor([-1.0, 1.0]))
    assert torch.equal(mirrored.inputs, torch.from_numpy(a_view.mirrored(plain.inputs.numpy()).copy()))
    # eyes are those that the layout measures by, the means of their points
    left, right = (many_points[list(end)].mean(0) for end in layout.ends("inter_pupil"))
    eyes = 2 * np.linalg.norm(right - left) / window.width
    assert float(plain.eyes[0]) == pytest.approx(eyes, rel=1e-4)


def test_a_source_of_any_layout_knows_the_five_points(many_points: np.ndarray) -> None:
    """What scattering and drawn surroundings go by."""
    layout = find_layout("ibug68")
    made = source(view_of("picture {}", layout=layout), noise_picture(), many_points)
    np.testing.assert_allclose(made.five, layout.convert(many_points, FIVE))
    assert made.points is many_points
