"""Crops: boxes and points lie where the pixels are, whatever is turned, mirrored, pasted, left out."""

import cv2
import numpy as np
import pytest

from protoface.trainers.faces.crops import (
    LARGEST_KEPT,
    MOST_ZOOM,
    CropOptions,
    Cropper,
    make_source,
)
from protoface.trainers.faces.face_scene import Scene

POINTS = np.array([(70, 60), (90, 62), (80, 72), (72, 85), (88, 84)], float)
COLORS = [(0, 0, 255), (0, 255, 0), (255, 0, 0), (0, 255, 255), (255, 255, 0)]
BOX = (60.0, 45.0, 40.0, 50.0)
NOWHERE = "nowhere.jpg"
#: Not ignored, and not all faces are known.
UNKNOWN = np.zeros(1, bool), False


def face_picture(side=200):
    """A grey picture with a white box and five coloured points."""
    image = np.full((side, side + 40, 3), 90, np.uint8)
    x, y, width, height = map(int, BOX)
    image[y : y + height, x : x + width] = 255
    for (column, row), color in zip(POINTS.astype(int), COLORS, strict=True):
        image[row - 2 : row + 3, column - 2 : column + 3] = color
    return image


def scene(complete=True, ignored=False, boxes=(BOX,), points=(POINTS,)):
    return Scene(
        NOWHERE,
        np.array(boxes, float).reshape(-1, 4),
        np.array(points, float).reshape(-1, 5, 2),
        np.full(len(boxes), ignored),
        complete,
    )


def source(**values):
    return make_source(scene(**values), face_picture())


def empty(side=300):
    return make_source(Scene(NOWHERE), np.full((side, side, 3), 30, np.uint8))


def crop(whole, pasted=None, seed=0, **options):
    generator = np.random.default_rng(seed)
    return Cropper(CropOptions(**{"side": 128, **options})).crop(whole, pasted, generator)


def check_points(found):
    """Each point's colour is where the point is; a mirrored face's left eye has the right one's."""
    seen = [
        (index, found.pixels[round(y), round(x)].astype(int))
        for index, (x, y) in enumerate(found.points[-1])
        if 1 <= x < 126 and 1 <= y < 126
    ]
    fits = [
        all(np.abs(pixel - COLORS[order[index]]).max() < 100 for index, pixel in seen)
        for order in (range(5), (1, 0, 2, 4, 3))
    ]
    assert any(fits)


def check_pixels(found):
    """Points are at their colours; the box is white, its surroundings are not."""
    check_points(found)
    white = (found.pixels.min(axis=2) > 200) & (found.pixels.max(axis=2) > 240)
    rows, columns = np.nonzero(white)
    left, top, right, bottom = found.boxes[-1]
    assert columns.min() == pytest.approx(left, abs=2.5)
    assert rows.min() == pytest.approx(top, abs=2.5)
    assert columns.max() + 1 == pytest.approx(right, abs=2.5)
    assert rows.max() + 1 == pytest.approx(bottom, abs=2.5)


@pytest.mark.parametrize("seed", range(12))
def test_faces_are_where_their_pixels_are(seed):
    found = crop(source(), seed=seed, least=30, greatest=70, focus=1, turn=0)
    assert len(found.boxes) == 1
    check_pixels(found)
    assert found.known.all()


@pytest.mark.parametrize("seed", range(12))
def test_pasted_faces_are_where_their_pixels_are(seed):
    found = crop(empty(), source(complete=False), seed, least=30, greatest=60, pasted_turn=0)
    assert len(found.boxes) == 1
    check_pixels(found)


@pytest.mark.parametrize("seed", range(8))
def test_points_turn_with_the_pixels(seed):
    found = crop(empty(), source(complete=False), seed, least=40, greatest=60, pasted_turn=40)
    check_points(found)


def test_half_of_the_crops_are_mirrored():
    """The left eye stays the one on the left."""
    found = [crop(source(), seed=seed, least=40, greatest=60, focus=1) for seed in range(40)]
    eyes = [one.points[0] for one in found if len(one.points)]
    assert all(points[0, 0] < points[1, 0] for points in eyes)
    red_left = [
        one.pixels[round(points[0, 1]), round(points[0, 0]), 2] > 150
        for one, points in zip(found, eyes, strict=True)
        if (points[0] > 1).all() and (points[0] < 126).all()
    ]
    assert 5 < sum(red_left) < len(red_left) - 5


def test_sizes_of_faces_are_those_asked_for():
    found = [crop(source(), seed=seed, least=30, greatest=80, focus=1).boxes for seed in range(60)]
    sides = np.array([np.sqrt((box[2:] - box[:2]).prod()) for boxes in found for box in boxes])
    assert sides.min() > 22  # cut off by the crop's edge
    assert sides.max() < 81
    assert sides.max() - sides.min() > 40


def test_pictures_are_not_enlarged_without_measure():
    found = crop(source(), least=120, greatest=128, focus=1, turn=0)
    size = (found.boxes[0, 2:] - found.boxes[0, :2]).max()
    assert size <= 50 * MOST_ZOOM * 1.2


def test_an_ignored_face_is_neither_face_nor_background():
    found = crop(source(ignored=True), seed=3, focus=0, turn=0)
    assert len(found.boxes) == 0
    white = found.pixels.min(axis=2) > 250
    assert white.any()
    assert not found.known[white].any()
    assert found.known.mean() > 0.5


def test_a_face_that_is_too_small_is_neither():
    tiny = (100.0, 100.0, 4.0, 5.0)
    found = crop(
        source(boxes=[BOX, tiny], points=[POINTS, POINTS]), least=30, greatest=34, focus=1, smallest=8
    )
    assert len(found.boxes) <= 1
    assert not found.known.all()


def test_only_the_surroundings_of_a_pasted_face_are_known():
    found = crop(empty(), source(complete=False), 1, least=30, greatest=34, pasted_turn=0)
    pasted = np.abs(found.pixels.astype(int) - 90).max(axis=2) < 8
    left, top, right, bottom = found.boxes[0].astype(int)
    assert found.known[top:bottom, left:right].all()
    assert not found.known[pasted].all()
    # the other picture, whose faces are all known, but for the edge of what is pasted
    assert found.known[np.abs(found.pixels.astype(int) - 30).max(axis=2) < 3].mean() > 0.99


def test_a_covered_face_is_gone_and_one_covered_in_part_is_ignored():
    """Over many places of the pasted picture a face below it is kept, ignored or gone."""
    below = source(points=[np.full((5, 2), np.nan)])
    kept, partly, gone = 0, 0, 0
    for seed in range(40):
        plain = crop(below, None, seed, least=24, greatest=26, focus=1)
        found = crop(below, source(complete=False), seed, least=24, greatest=26, focus=1)
        if len(plain.boxes) == 1 and len(found.boxes) == 2:
            kept += 1
            np.testing.assert_allclose(found.boxes[0], plain.boxes[0])
        elif len(plain.boxes) == 1:
            gone += 1
            left, top, right, bottom = plain.boxes[0].astype(int)
            partly += not found.known[top:bottom, left:right].all()
    assert kept > 5
    assert gone > 0


def test_the_same_numbers_make_the_same_crop():
    first, second = (crop(source(), source(complete=False), 5) for _ in range(2))
    np.testing.assert_array_equal(first.pixels, second.pixels)
    np.testing.assert_array_equal(first.boxes, second.boxes)
    np.testing.assert_array_equal(first.known, second.known)
    assert not np.array_equal(first.pixels, crop(source(), seed=6).pixels)


def test_of_a_large_face_only_a_small_copy_is_kept():
    image = cv2.resize(face_picture(), None, fx=10, fy=10)
    kept = make_source(
        Scene(NOWHERE, np.array([BOX]) * 10, (POINTS[None] + 0.5) * 10 - 0.5, np.zeros(1, bool), False),
        image,
    )
    assert kept.boxes[0, 2:].max() == pytest.approx(LARGEST_KEPT, rel=0.01)
    assert max(kept.halves[0].shape) < 5 * LARGEST_KEPT
    found = crop(empty(), kept, least=40, greatest=60, pasted_turn=0)
    check_pixels(found)


def test_a_face_outside_of_its_picture():
    """As points that were set beyond the edge."""
    outside = Scene(NOWHERE, np.array([(500.0, 10, 20, 20)]), np.full((1, 5, 2), 510.0), *UNKNOWN)
    found = crop(empty(), make_source(outside, face_picture()))
    assert found.pixels.shape == (128, 128, 3)


def test_a_tiny_picture():
    found = crop(make_source(Scene(NOWHERE), np.full((1, 2, 3), 7, np.uint8)))
    assert found.pixels.shape == (128, 128, 3)
    assert len(found.boxes) == 0
