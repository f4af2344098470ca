"""Scenes of sets with boxes and of sets with points."""

import numpy as np

from protoface.eval.datasets.dataset import read_dataset, read_set
from protoface.trainers.faces.head_boxes import head_boxes
from protoface.trainers.faces.scenes import scenes_of

from ...eval.datasets.wider_set import INVALID, write_wider
from ..sets.celeba_folder import write_set


def test_all_faces_of_a_set_with_boxes_are_known(tmp_path):
    faces = {"0--Parade/a.png": [(1, 2, 30, 40), (5, 6, 7, 8, *INVALID)], "0--Parade/b.png": []}
    found = read_set(write_wider(tmp_path, train=faces))
    first, second = scenes_of(found)
    assert first.path == found.paths[0]
    assert first.complete
    assert second.complete
    np.testing.assert_array_equal(first.boxes, [(1, 2, 30, 40), (5, 6, 7, 8)])
    np.testing.assert_array_equal(first.ignored, [False, True])
    assert np.isnan(first.points).all()
    assert first.points.shape == (2, 5, 2)
    assert len(second) == 0


def test_one_face_of_a_set_with_points_is_known(tmp_path):
    points = write_set(tmp_path / "faces", count=2)
    data = read_dataset(tmp_path / "faces")
    scenes = list(scenes_of(data))
    assert [scene.path.name for scene in scenes] == list(points)
    for scene, truth, box in zip(
        scenes, points.values(), head_boxes(data.truth, data.layout), strict=True
    ):
        assert not scene.complete
        np.testing.assert_array_equal(scene.points, truth[None])
        np.testing.assert_array_equal(scene.boxes, box[None])
        assert not scene.ignored.any()
