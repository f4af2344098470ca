"""What is around a face: backgrounds, a skull in its place, cameras that keep what they see."""

import numpy as np
import pytest

from protoface.trainers.drawn import scene
from protoface.trainers.drawn.brush import FULL
from protoface.trainers.drawn.head import Pose, draw_shape, rotation


def test_backgrounds_have_the_size_asked_for_and_differ():
    pictures = [scene.background(np.random.default_rng(seed), 60, 80) for seed in range(12)]
    assert {(picture.shape, picture.dtype.name) for picture in pictures} == {((60, 80, 3), "uint8")}
    means = np.array([picture.mean() for picture in pictures])
    assert means.std() > 20


@pytest.mark.parametrize("yaw", [0, 40])
def test_the_outline_of_the_skull_is_that_of_its_ellipsoid(yaw):
    """Found in another way: by projecting many points of the ellipsoid."""
    rng = np.random.default_rng(1)
    shape, grown = draw_shape(rng), 0.1
    pose = Pose(rotation(yaw, 10, 5), 60.0, np.full(2, 200, np.float32))
    picture = np.zeros((400, 400, 3), np.uint8)
    outline = scene.skull(picture, shape, pose, FULL, grown)
    ball = rng.normal(size=(20_000, 3))
    ball /= np.linalg.norm(ball, axis=1, keepdims=True)
    half = np.array((shape.half_width, (0.85 - shape.crown) / 2, 1.35)) + grown
    pixels = pose.project((ball * half + (0, (shape.crown + 0.85) / 2, -0.35)).astype(np.float32))
    np.testing.assert_allclose(outline.min(0), pixels.min(0), atol=1.5)
    np.testing.assert_allclose(outline.max(0), pixels.max(0), atol=1.5)
    inside = np.round(pixels).astype(int)
    assert (picture[inside[:, 1], inside[:, 0]] > 0).mean() > 0.99


def test_a_companion_leaves_the_face_alone():
    ring = np.array([(80, 60), (120, 60), (120, 120), (80, 120)], np.float32)
    for seed in range(20):
        rng = np.random.default_rng(seed)
        picture = rng.integers(0, 256, (200, 200, 3)).astype(np.uint8)
        before = picture.copy()
        scene.companion(rng, picture, ring)
        np.testing.assert_array_equal(picture[70:110, 90:110], before[70:110, 90:110])


def test_a_camera_keeps_size_and_order_of_brightness():
    ramp = np.repeat(np.linspace(10, 240, 64, dtype=np.uint8)[None, :, None], 48, 0).repeat(3, 2)
    for seed in range(20):
        seen = scene.camera(np.random.default_rng(seed), ramp)
        assert (seen.shape, seen.dtype) == (ramp.shape, np.uint8)
        columns = seen.mean((0, 2))
        assert np.corrcoef(columns, ramp.mean((0, 2)))[0, 1] > 0.85


def test_things_drawn_stay_near_their_head():
    """Spectacles and a hat around a small head in the middle leave the corners of the picture alone."""
    shape = draw_shape(np.random.default_rng(2))
    pose = Pose(rotation(0, 0, 0), 20.0, np.full(2, 100, np.float32))
    for seed in range(10):
        rng = np.random.default_rng(seed)
        picture = np.full((200, 200, 3), 90, np.uint8)
        scene.glasses(rng, picture, pose, 1.4)
        scene.hat(rng, picture, shape, pose)
        changed = np.argwhere((picture != 90).any(2))
        assert len(changed) > 100
        assert np.abs(changed - 100).max() < 80
