"""Running finders over a set; conversion of points."""

import numpy as np
import pytest

from protoface import cascade
from protoface.cascade.layouts import find_layout
from protoface.eval.datasets.dataset import read_dataset
from protoface.eval.finders import Run, cascade_finder, converting

from .celeba_set import FACE, offset_finder, with_68_points
from .found_faces import a_box, a_face


def test_a_run_gives_every_readable_picture_and_the_time_of_finding(celeba):
    (celeba / "images" / "003.png").write_bytes(b"no picture")
    run = Run(offset_finder(6, 3), read_dataset(celeba))
    looked = list(run)
    assert [one.number for one in looked] == [0, 1, 2, 4, 5, 6, 7, 8, 9]
    assert {one.size for one in looked} == {(80, 60)}
    assert all(len(one.faces) == 1 for one in looked)
    assert len(run.skipped) == 1
    assert "003.png: not a picture" in run.skipped[0]
    assert run.seconds > 0


def test_a_cascade_answers_with_all_of_its_faces(folder):
    image = np.zeros((64, 64, 3), np.uint8)
    found = cascade.load(folder)
    ((face,),) = cascade_finder(found)([image])
    (expected,) = found.detect(image)
    np.testing.assert_array_equal(face.points, expected.points)


def test_points_of_every_stage_are_converted_and_boxes_stay():
    (wide,) = with_68_points(FACE[None])
    face = a_face(np.zeros((0, 2)), wide + (1, 0), wide, score=0.5)
    finder = converting(
        lambda images: [[face, a_box(1, 2, 3, 4)], []], find_layout("ibug68"), find_layout("celeba5")
    )
    (first, second), none = finder([])
    assert none == []
    np.testing.assert_allclose(first.points, FACE, atol=1e-9)
    assert [len(points) for points in first.stages] == [0, 5, 5]
    assert (first.score, first.box.tolist()) == (0.5, face.box.tolist())
    assert second.box.tolist() == [1, 2, 3, 4]
    assert len(second.points) == 0


def test_progress_sees_every_picture(celeba):
    seen = []

    def watch(indices):
        for index in indices:
            seen.append(index)
            yield index

    list(Run(offset_finder(0, 0), read_dataset(celeba), watch))
    assert seen == list(range(10))


@pytest.mark.parametrize("count", [1, 4])
def test_batches_have_this_many_pictures(count, celeba, monkeypatch):
    monkeypatch.setattr("protoface.eval.finders.BATCH", count)
    sizes = []

    def find(images):
        sizes.append(len(images))
        return [[] for _ in images]

    list(Run(find, read_dataset(celeba)))
    assert sizes == ([1] * 10 if count == 1 else [4, 4, 2])
