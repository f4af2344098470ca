"""Annotated sets: both layouts, partitions, and what is skipped or refused."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from protoface.converters import ProtofaceError
from protoface.eval.datasets.dataset import five_points, read_dataset

from ..celeba_set import FACE


def test_celebas_layout(celeba):
    found = read_dataset(celeba, "test")
    assert len(found) == 3
    assert found.name == "set test"
    assert [path.name for path in found.paths] == ["007.png", "008.png", "009.png"]
    np.testing.assert_array_equal(found.truth[0], FACE + (7, 0))
    np.testing.assert_array_equal(found.inter_ocular, [30] * 3)
    np.testing.assert_array_equal(found.inter_pupil, [30] * 3)
    np.testing.assert_array_equal(found.boxes[0], [20, 20, 40, 40])
    assert len(read_dataset(celeba)) == 10
    assert read_dataset(celeba).name == "set all"


@pytest.mark.parametrize("name", ["img_celeba", "img_align_celeba", "."])
def test_pictures_may_lie_where_celeba_has_them(name, celeba):
    if name == ".":
        for path in (celeba / "images").iterdir():
            path.rename(celeba / path.name)
        (celeba / "images").rmdir()
    else:
        (celeba / "images").rename(celeba / name)
    assert len(read_dataset(celeba)) == 10


def write_68(folder: Path, header: bool) -> np.ndarray:
    points = np.random.default_rng(0).uniform(0, 50, (2, 68, 2))
    rows = [f"{i}.png," + ",".join(map(str, points[i].ravel())) for i in (0, 1)]
    columns = "name," + ",".join(f"{axis}{i}" for i in range(68) for axis in "xy")
    (folder / "landmarks68.csv").write_text("\n".join([columns, *rows] if header else rows))
    for i in (0, 1):
        cv2.imwrite(str(folder / f"{i}.png"), np.zeros((50, 50, 3), np.uint8))
    return points


@pytest.mark.parametrize("header", [True, False])
def test_68_points_become_five(header, tmp_path):
    points = write_68(tmp_path, header)
    found = read_dataset(tmp_path)
    assert len(found) == 2
    np.testing.assert_allclose(found.truth[1, 0], points[1, 36:42].mean(axis=0))
    np.testing.assert_allclose(found.truth[1, 1], points[1, 42:48].mean(axis=0))
    np.testing.assert_allclose(found.truth[1, 2:], points[1, [30, 48, 54]])
    np.testing.assert_allclose(found.inter_ocular[1], np.linalg.norm(points[1, 36] - points[1, 45]))
    eyes = five_points(points[1])[:2]
    np.testing.assert_allclose(found.inter_pupil[1], np.linalg.norm(eyes[0] - eyes[1]))
    assert found.boxes is None


def test_missing_pictures_and_missing_points_are_skipped_by_name(celeba):
    (celeba / "images" / "008.png").unlink()
    with (celeba / "list_eval_partition.txt").open("a") as file:
        file.write("\nghost.png 2")
    found = read_dataset(celeba, "test")
    assert len(found) == 2
    assert "008.png: listed, but there is no such picture" in found.skipped[0]
    assert found.skipped[1] == "ghost.png: in the partition, but it has no points"


def test_a_picture_without_a_box_has_none(celeba):
    (celeba / "list_bbox_celeba.txt").write_text("007.png 1 2 3 4")
    boxes = read_dataset(celeba, "test").boxes
    np.testing.assert_array_equal(boxes[0], [1, 2, 3, 4])
    assert np.isnan(boxes[1:]).all()


@pytest.mark.parametrize(
    ("break_it", "message"),
    [
        (
            lambda f: (f / "list_landmarks_celeba.txt").unlink(),
            "has neither list_landmarks_celeba.txt nor",
        ),
        (
            lambda f: (f / "list_eval_partition.txt").unlink(),
            "has no list_eval_partition.txt; leave out",
        ),
        (lambda f: (f / "list_eval_partition.txt").write_text("000.png 0"), r"'test' \(2\) is empty"),
        (
            lambda f: (f / "list_landmarks_celeba.txt").write_text("000.png 1 2 3"),
            "line 1: not a name and 10",
        ),
        (
            lambda f: [p.unlink() for p in (f / "images").iterdir()],
            "no picture to measure .* 3 were skipped",
        ),
        (
            lambda f: (f / "landmarks68.csv").write_text("a.png,1,2,3"),
            "line 1: 4 columns, needs a name and 68",
        ),
        (lambda f: (f / "landmarks68.csv").write_text("a" + ",x" * 136), "line 1: could not convert"),
        (lambda f: (f / "landmarks68.csv").write_text("name,x0\n"), "lists no picture"),
    ],
)
def test_bad_sets_are_refused_with_the_place(break_it, message, celeba):
    break_it(celeba)
    with pytest.raises(ProtofaceError, match=message):
        read_dataset(celeba, "test")


def test_an_unknown_partition_is_refused(celeba):
    with pytest.raises(ProtofaceError, match="'dev' is unknown; there are train, val, test"):
        read_dataset(celeba, "dev")
