"""Batches of windows: pixels are those of detection, the truth is theirs, mixed as asked for."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from google.protobuf import text_format

from protoface.cascade import cascade_pb2
from protoface.cascade.answers.points import PointsAnswer
from protoface.cascade.face import Candidate
from protoface.cascade.layouts import DEFAULT, find_layout
from protoface.cascade.windows import clean
from protoface.cascade.windows.halves import Halves
from protoface.trainers.faces.drawn_windows import Windows
from protoface.trainers.faces.face_table import NEGATIVE, PART, POSITIVE
from protoface.trainers.recipe import recipe_pb2
from protoface.trainers.recipe.classifier_options import cell_size, classifier_view
from protoface.trainers.recipe.crop_sampler import Pixels
from protoface.trainers.recipe.window_sampler import POINTS, Album, Look, WindowSampler, counts_of

from ..faces.test_face_table import scene

LAYOUT = find_layout(DEFAULT)
BOX = """preprocess { color_order: RGB mean: 127.5 scale: 0.0078125 size: 24 interpolation: AREA }
window { box { square: true border: BLACK } }"""
LEVELS = """preprocess { mean: 127.5 interpolation: AREA }
window { picture { least_face: 20 factor: 0.7 } } answer { blob: "x" map { cell: 12 stride: 2 } }"""
PLAIN = "contrast: 0 brightness: 0 color: 0 gray: 0 blur: 0 noise: 0 occlusion: 0"


def make_look(text: str = BOX) -> Look:
    stage = text_format.Parse(text, cascade_pb2.StageParameter())
    view = classifier_view(stage, LAYOUT, "x")
    return Look(view, Pixels(stage.preprocess), *cell_size(view, stage))


def make_album() -> Album:
    """A picture with two faces, one with none, one with a face of which the points are known."""
    generator = np.random.default_rng(0)
    images = [generator.integers(0, 256, (120, 150, 3), np.uint8) for _ in range(3)]
    single = scene([(40, 40, 50, 60)], [False])
    object.__setattr__(single, "complete", False)
    single.points[0] = ((52, 60), (78, 61), (66, 75), (55, 88), (75, 90))
    scenes = [scene([(5, 8, 40, 46), (90, 50, 30, 34)], [False, False]), scene([], []), single]
    return Album([Halves(image) for image in images], scenes, np.ones(3))


def make_sampler(
    augment: str = f"{PLAIN} flip: 0",
    look: Look | None = None,
    found: dict[int, Windows] | None = None,
    points: bool = True,
) -> WindowSampler:
    training = recipe_pb2.TrainingParameter(batch_size=28)
    text_format.Parse(augment, training.augment)
    answer = None
    if points:
        answer = PointsAnswer(cascade_pb2.PointsAnswer(order=1, range=1), LAYOUT, clean)
    parameter = recipe_pb2.ClassifierParameter()
    look = look or make_look()
    return WindowSampler(make_album(), look, answer, parameter, training, [1, 0], found or {})


def test_a_batch_is_mixed_as_asked_for() -> None:
    truth = make_sampler().batch(0).truth
    assert [int((truth.labels == label).sum()) for label in (0, 1, -1)] == [12, 4, 12]
    assert int(truth.has_box.sum()) == 8
    assert int(truth.has_points.sum()) == 8
    assert truth.points.shape == (28, 10)


def test_without_points_there_are_no_windows_of_them() -> None:
    truth = make_sampler(points=False).batch(0).truth
    assert [int((truth.labels == label).sum()) for label in (0, 1, -1)] == [17, 6, 5]
    assert truth.points.shape == (28, 0)


@pytest.mark.parametrize("text", [BOX, LEVELS])
def test_the_net_sees_what_it_sees_in_detection(text: str) -> None:
    """To the last bit: the view's own input for the same windows, mirrored or not."""
    look = make_look(text)
    plain, mirrored = (make_sampler(f"{PLAIN} flip: {flip}", look) for flip in (0, 1))
    generator = np.random.default_rng(3)
    windows = plain._whole.draw(POSITIVE, 20, generator)
    shown = plain.shown({POSITIVE: 20}, np.random.default_rng(3)).inputs
    pictures = [plain.album.pictures[picture] for picture in windows.pictures.tolist()]
    candidates = [
        Candidate(0, picture.image.shape[:2], box)
        for picture, box in zip(pictures, windows.boxes, strict=True)
    ]
    if look.view.levels is None:
        seen = look.view.windows(candidates)
        wanted = look.view.make_input(pictures, seen)
    else:
        cuts = [
            clean.resample(picture, look.over(picture.image, box), 12, 12, look.view.interpolation)
            for picture, box in zip(pictures, windows.boxes, strict=True)
        ]
        wanted = look.view.fill(cuts)
    np.testing.assert_allclose(shown.numpy(), wanted, atol=1e-6)
    turned = mirrored.shown({POSITIVE: 20}, np.random.default_rng(3)).inputs
    np.testing.assert_allclose(turned.numpy(), wanted[..., ::-1], atol=1e-6)


def test_what_is_true_is_where_the_face_is() -> None:
    sampler = make_sampler()
    windows = sampler._whole.draw(PART, 10, np.random.default_rng(3))
    truth = sampler.shown({PART: 10}, np.random.default_rng(3)).truth
    squares = [(box[0], box[1], box[2], box[3]) for box in windows.boxes]
    boxes = clean.moved(np.array(squares), truth.boxes.numpy().astype(np.float64))
    np.testing.assert_allclose(boxes, sampler.album.table.boxes[windows.faces], atol=1e-4)
    assert (truth.labels == -1).all()


def test_the_same_batches_for_the_same_numbers() -> None:
    first, again = make_sampler("flip: 0.5"), make_sampler("flip: 0.5")
    first.batch(0)
    ours, theirs = first.batch(5), again.batch(5)
    assert torch.equal(ours.inputs, theirs.inputs)
    assert torch.equal(ours.truth.boxes, theirs.truth.boxes)
    assert not torch.equal(first.batch(6).inputs, ours.inputs)


def test_windows_of_the_stages_before_are_half_of_their_kind() -> None:
    dark = np.array([[60.0, 90, 24, 24]])
    found = {NEGATIVE: Windows(np.array([1]), dark, np.array([-1]))}
    sampler = make_sampler(found=found)
    shown = sampler.batch(0).inputs[:12]
    cut = sampler.look.cut(
        sampler.album.pictures[1], sampler.look.over(np.zeros((120, 150, 3)), dark[0])
    )
    alike = sampler.look.pixels.prepare(cut)
    assert int((shown == alike).all(dim=(1, 2, 3)).sum()) == 6


def test_mirrored_points_are_those_of_the_mirrored_picture() -> None:
    plain = make_sampler().shown({POINTS: 6}, np.random.default_rng(1)).truth.points
    turned = make_sampler(f"{PLAIN} flip: 1").shown({POINTS: 6}, np.random.default_rng(1)).truth.points
    # x of the left eye in the mirror is that of the right one, from the other side
    sides = plain[:, 1] + turned[:, 0]
    assert bool(((sides > 0.9) & (sides < 1)).all())
    assert torch.allclose(plain[:, 6], turned[:, 5])


def test_counts_add_up() -> None:
    assert counts_of({0: 3, 1: 1, -1: 1, 2: 2}, 128) == {0: 55, 1: 18, -1: 18, 2: 37}
    assert sum(counts_of({0: 1, 1: 1, 2: 1}, 32).values()) == 32
    assert counts_of({0: 1, 1: 0}, 5) == {0: 5, 1: 0}
