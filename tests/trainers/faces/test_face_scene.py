"""Scenes, and which pictures are kept from training."""

import zlib

import numpy as np

from protoface.trainers.faces.face_scene import Scene, set_aside

NAMES = [f"event/{number}.jpg" for number in range(4000)]


def test_a_share_is_set_aside_by_name():
    kept = [name for name in NAMES if set_aside(name, 0.1)]
    assert abs(len(kept) - 400) < 60
    assert kept == [name for name in NAMES if zlib.crc32(name.encode()) / 2**32 < 0.1]


def test_a_smaller_share_is_a_part_of_a_larger_one():
    shares = [{name for name in NAMES if set_aside(name, share)} for share in (0, 0.1, 0.3, 1)]
    assert shares[0] == set()
    assert shares[1] < shares[2] < shares[3] == set(NAMES)


def test_a_scene_without_faces(tmp_path):
    scene = Scene(tmp_path / "a.jpg")
    assert len(scene) == 0
    assert scene.complete
    assert scene.boxes.shape == (0, 4)
    assert scene.points.shape == (0, 5, 2)
    assert scene.ignored.dtype == np.bool_
