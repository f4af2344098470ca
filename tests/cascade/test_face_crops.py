"""Faces as pictures of their own: names, boxes, alignment, names that would be taken twice."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from protoface.cascade.alignment import PLACES, aligned
from protoface.cascade.face import Face
from protoface.cascade.face_crops import FaceCrops, check_crops, crop_name
from protoface.cascade.inputs import Sources
from protoface.cascade.layouts import find_layout
from protoface.cascade.search import Picture
from protoface.converters import ProtofaceError

IMAGE = np.random.default_rng(0).integers(0, 256, (120, 160, 3), np.uint8)
FIVE = find_layout("celeba5")


def a_face(box=(20, 10, 60, 60), points=PLACES):
    return Face(np.float64(box), 0.9, np.float32(points))


def picture(name, root="album"):
    return Picture(Path(root, name), Path(root))


def test_squares():
    crops = FaceCrops(FIVE, 32, align=False).copies(picture("a/b.jpg"), IMAGE, [a_face(), a_face()])
    assert list(crops) == [Path("a/b_0.png"), Path("a/b_1.png")]
    expected = cv2.resize(IMAGE[10:70, 20:80], (32, 32), interpolation=cv2.INTER_AREA)
    np.testing.assert_array_equal(crops[Path("a/b_0.png")], expected)


def test_margins():
    """16 of 32: the box grows by its own side."""
    (crop,) = FaceCrops(FIVE, 32, False, 16).copies(picture("b.jpg"), IMAGE, [a_face()]).values()
    expected = cv2.resize(IMAGE[0:100, 0:110], (32, 32), interpolation=cv2.INTER_AREA)
    np.testing.assert_array_equal(crop, expected)


def test_aligned_faces_and_those_of_more_points():
    points = PLACES * 0.5 + (30, 20)
    (crop,) = (
        FaceCrops(FIVE, 112, True).copies(picture("b.jpg"), IMAGE, [a_face(points=points)]).values()
    )
    np.testing.assert_array_equal(crop, aligned(IMAGE, points.astype(np.float32), 112))
    many = find_layout("ibug68")
    points = np.random.default_rng(1).uniform(20, 100, (68, 2)).astype(np.float32)
    (crop,) = (
        FaceCrops(many, 112, True).copies(picture("b.jpg"), IMAGE, [a_face(points=points)]).values()
    )
    np.testing.assert_array_equal(crop, aligned(IMAGE, many.convert(points, FIVE), 112))


def test_no_face_no_file():
    assert FaceCrops(FIVE, 112, True).copies(picture("b.jpg"), IMAGE, []) == {}


def test_faces_without_points():
    cut = FaceCrops(FIVE, 112, True)
    with pytest.raises(ProtofaceError, match="the model finds no points, by which faces are aligned"):
        cut.copies(picture("b.jpg"), IMAGE, [a_face(points=np.zeros((0, 2)))])


def test_sizes_that_cannot_be():
    with pytest.raises(ProtofaceError, match="margin is 32, it must be"):
        FaceCrops(FIVE, 32, False, 32)


def test_names_that_would_be_taken_twice(tmp_path):
    assert crop_name(picture("a/b.v1.jpg"), 11) == Path("a/b.v1_11.png")
    with pytest.raises(
        ProtofaceError, match=r"b.png: its faces would have the names of those of album"
    ):
        check_crops(Sources([picture("b.jpg"), picture("b.png")]), tmp_path)
    check_crops(Sources([picture("b.jpg"), picture("a/b.jpg"), picture("b_0.jpg")]), tmp_path)


def test_no_picture_is_replaced(tmp_path):
    album = [Picture(tmp_path / name, tmp_path) for name in ("b.jpg", "b_0.png")]
    with pytest.raises(ProtofaceError, match=r"b_0.png is read, so no face of .*b.jpg can be written"):
        check_crops(Sources(album), tmp_path)
    check_crops(Sources(album), tmp_path / "faces")
