"""Batches of crops: the same by number, values as detection makes them, what is known of places."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from protoface.cascade import cascade_pb2
from protoface.cascade.windows.window import Image
from protoface.trainers.faces.crops import CropOptions, Source, make_source
from protoface.trainers.faces.face_scene import Scene
from protoface.trainers.faces.places import FaceMap, make_places
from protoface.trainers.recipe import recipe_pb2
from protoface.trainers.recipe.crop_sampler import CropSampler, Group, Pixels, change_picture

MAPS = [FaceMap("", "", "", 8, 8), FaceMap("", "", "", 16, 16)]
OPTIONS = CropOptions(side=64, least=20, greatest=40, focus=1, paste=0.5)
PLAIN = recipe_pb2.AugmentParameter(
    contrast=0, brightness=0, color=0, gray=0, blur=0, noise=0, occlusion=0
)


def source(value: int, complete: bool = True, faces: int = 1) -> Source:
    """A picture of one grey level, with a face in the middle."""
    boxes = np.array([(30.0, 25.0, 24.0, 30.0)] * faces).reshape(-1, 4)
    points = np.full((faces, 5, 2), 40.0 if not complete else np.nan)
    scene = Scene(Path("no.png"), boxes, points, np.zeros(faces, np.bool_), complete)
    return make_source(scene, np.full((90, 100, 3), value, np.uint8))


def sampler(
    groups: list[Group] | None = None,
    augment: recipe_pb2.AugmentParameter = PLAIN,
    pixels: str = "BGR",
) -> CropSampler:
    preprocess = cascade_pb2.PreprocessParameter(mean=[100, 110, 120], scale=0.5)
    preprocess.color_order = cascade_pb2.PreprocessParameter.ColorOrder.Value(pixels)
    training = recipe_pb2.TrainingParameter(batch_size=4, augment=augment)
    default = [Group([source(200), source(180, faces=0)], 1), Group([source(90, False)], 1)]
    return CropSampler(groups or default, OPTIONS, training, Pixels(preprocess), MAPS, [1, 0])


def test_a_batch_is_the_same_by_its_number() -> None:
    first, second = sampler(), sampler()
    second.batch(5)
    one, other = first.batch(3), second.batch(3)
    assert torch.equal(one.inputs, other.inputs)
    assert torch.equal(one.truth.known, other.truth.known)
    assert all(map(torch.equal, one.truth.boxes, other.truth.boxes))
    assert not torch.equal(one.truth.known, first.batch(4).truth.known)


@pytest.mark.parametrize("order", ["BGR", "RGB"])
def test_inputs_are_those_of_opencv(order: str) -> None:
    """As cv2.dnn.blobFromImages makes them, from which detection takes its own."""
    pictures = np.random.default_rng(0).integers(0, 256, (3, 8, 10, 3), np.uint8)
    pixels = sampler(pixels=order).pixels
    expected = cv2.dnn.blobFromImages(list(pictures), 0.5, mean=(100, 110, 120), swapRB=order == "RGB")
    found = pixels.prepare(*pictures)
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-4)
    assert found.is_contiguous(memory_format=torch.channels_last)


def test_known_is_that_of_the_pixel_at_the_middle_of_each_place() -> None:
    made = sampler()
    generator = np.random.default_rng(7)
    crop = next(crop for crop in (made.crop(generator) for _ in range(50)) if not crop.known.all())
    places = make_places(MAPS, [(8, 8), (4, 4)], torch.zeros(()))
    expected = [bool(crop.known[int(y), int(x)]) for x, y in places.centres.tolist()]
    assert crop.known[made._rows, made._columns].tolist() == expected
    batch = made.batch(0)
    assert batch.truth.known.shape == (4, 80)
    assert batch.inputs.shape == (4, 3, 64, 64)


def test_points_are_those_of_pasted_faces() -> None:
    """Where two faces are in a crop the second one is pasted, and has points."""
    made, generator = sampler(), np.random.default_rng(0)
    crops = [made.crop(generator) for _ in range(60)]
    pasted = sum(np.isfinite(crop.points).all((1, 2)).sum() for crop in crops)
    assert 15 < pasted < 45
    assert all(np.isfinite(crop.points[:-1]).sum() == 0 for crop in crops)


def test_weights_are_those_of_sets() -> None:
    """A set of one picture with three times the weight of one of five pictures."""
    groups = [Group([source(240, faces=0)], 3), Group([source(40, faces=0)] * 5, 1)]
    made, generator = sampler(groups), np.random.default_rng(1)
    bright = [made.crop(generator).pixels.max() > 100 for _ in range(200)]
    assert 0.65 < np.mean(bright) < 0.85


def test_without_augmentation_pixels_stay() -> None:
    picture: Image = np.random.default_rng(2).integers(0, 256, (20, 30, 3), np.uint8)
    found = change_picture(PLAIN, picture, np.random.default_rng(0))
    assert np.abs(found.astype(int) - picture).max() <= 1


def test_pixels_are_changed() -> None:
    picture: Image = np.random.default_rng(2).integers(60, 200, (64, 64, 3), np.uint8)
    generator = np.random.default_rng(0)
    gray = change_picture(recipe_pb2.AugmentParameter(gray=1, blur=0), picture, generator)
    assert np.ptp(gray, axis=2).max() == 0
    blurred = change_picture(recipe_pb2.AugmentParameter(gray=0, blur=1), picture, generator)
    assert blurred.std() < 0.6 * picture.std()
    brighter = [
        change_picture(recipe_pb2.AugmentParameter(brightness=30), picture, generator).mean()
        for _ in range(20)
    ]
    assert np.std(brighter) > 8
    squeezed = change_picture(recipe_pb2.AugmentParameter(jpeg=1, gray=0, blur=0), picture, generator)
    assert squeezed.shape == picture.shape
    assert not np.array_equal(squeezed, picture)


def test_a_batch_on_another_device() -> None:
    batch = sampler().batch(0)
    moved = batch.to(torch.device("meta"))
    assert moved.inputs.device.type == moved.truth.known.device.type == "meta"
    assert all(boxes.device.type == "meta" for boxes in moved.truth.boxes)
