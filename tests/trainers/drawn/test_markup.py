"""Points of every layout: on what is painted, symmetric, and those of one layout near another's."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from protoface.cascade.layouts import find_layout
from protoface.converters import ProtofaceError
from protoface.trainers.defaults import DRAWN_LAYOUTS
from protoface.trainers.drawn.brush import SHIFT, fixed
from protoface.trainers.drawn.features import PARTED, lids, lips
from protoface.trainers.drawn.head import COLUMNS, ROWS, Pose, atlas_pixels
from protoface.trainers.drawn.markup import MARKUPS, Head, check_layout, forehead, mark

from .heads import SIDE, UNIT, edge_distance, head

SEEDS = range(12)
EDGE = 2  # pixels of the atlas, of which an eye distance has 42: masks and points are rounded


def on_the_map(drawn: Head, layout: str) -> np.ndarray:
    """Pixels (n, 2) of the points on the atlas: a head seen from the front is its map."""
    flat = replace(drawn, pose=Pose(np.eye(3, dtype=np.float32), 1.0, np.zeros(2, np.float32)))
    return atlas_pixels(mark(flat, layout))


def filled(*curves: np.ndarray) -> np.ndarray:
    """The area between two curves, as `paint` fills it."""
    mask = np.zeros((ROWS, COLUMNS), np.uint8)
    outline = np.vstack((curves[0], *(curve[::-1] for curve in curves[1:])))
    cv2.fillPoly(mask, [fixed(atlas_pixels(outline.astype(np.float32)))], 1, cv2.LINE_8, SHIFT)
    return mask


def group(layout: str, name: str) -> list[int]:
    return list(find_layout(layout).groups[name])


def test_every_layout_of_the_command_line_can_be_drawn_and_has_its_points():
    assert set(MARKUPS) == set(DRAWN_LAYOUTS)
    for name in MARKUPS:
        points = mark(head(0), name)
        assert (points.shape, points.dtype) == ((len(find_layout(name)), 2), np.float32)


@pytest.mark.parametrize("layout", ["ibug68", "wflw98"])
@pytest.mark.parametrize("seed", SEEDS)
def test_lips_lie_on_the_edges_of_what_is_painted(layout, seed):
    drawn = head(seed)
    pixels, curves = on_the_map(drawn, layout), lips(drawn.shape)
    outer = pixels[group(layout, "outer_lips")]
    assert edge_distance(filled(curves.top, curves.bottom), outer).max() <= EDGE
    inner = pixels[group(layout, "inner_lips")]
    if drawn.shape.opened > 0.1:
        assert edge_distance(filled(curves.above_gap, curves.below_gap), inner).max() < 2.5
    elif drawn.shape.opened <= PARTED:  # upper and lower points on one line
        heights = np.interp(inner[:, 0], *atlas_pixels(curves.above_gap).T)
        np.testing.assert_allclose(heights, inner[:, 1], atol=0.1)


@pytest.mark.parametrize("layout", ["ibug68", "wflw98"])
@pytest.mark.parametrize("seed", SEEDS)
def test_lids_lie_on_the_edges_of_what_is_painted(layout, seed):
    drawn = head(seed)
    pixels = on_the_map(drawn, layout)
    for side, name in ((-1, "left_eye"), (1, "right_eye")):
        upper, lower = lids(side, drawn.features.opening)
        eye = [i for i in group(layout, name) if "pupil" not in find_layout(layout).points[i]]
        assert edge_distance(filled(upper, lower), pixels[eye]).max() <= EDGE


def test_shut_lids_are_one_line():
    drawn = head(0)
    shut = replace(drawn, features=replace(drawn.features, opening=-0.02))
    for layout, upper, lower in (
        ("ibug68", (37, 38), (41, 40)),
        ("wflw98", (61, 62, 63), (67, 66, 65)),
    ):
        points = mark(shut, layout)
        np.testing.assert_array_equal(points[list(upper)], points[list(lower)])
    ends = mark(shut, "wflw98")[[61, 63]]
    pupil = mark(shut, "wflw98")[96]
    assert ends[0, 0] < pupil[0] < ends[1, 0]


@pytest.mark.parametrize("seed", SEEDS)
def test_brows_lie_on_the_edges_or_along_the_middle_of_what_is_painted(seed):
    drawn = head(seed)
    around, middle = on_the_map(drawn, "wflw98"), on_the_map(drawn, "ibug68")
    for side, name in ((-1, "left_brow"), (1, "right_brow")):
        mask = filled(*drawn.features.brow.edges(drawn.shape, side))
        assert edge_distance(mask, around[group("wflw98", name)]).max() <= EDGE
        grown = cv2.dilate(mask, np.ones((3, 3), np.uint8))
        x, y = np.round(middle[group("ibug68", name)]).astype(int).T
        assert grown[y, x].all()


@pytest.mark.parametrize("seed", SEEDS)
def test_the_forehead_ends_at_the_painted_hair_or_at_the_rim(seed):
    drawn = head(seed)
    places = forehead(drawn)
    angles = np.degrees(np.arctan2(-places[:, 1], places[:, 0]))
    np.testing.assert_allclose(angles, 180 - 18 * np.arange(1, 10), atol=1e-6)
    if drawn.features.hair is not None:
        mask = filled(drawn.features.hair)
        away = edge_distance(mask, atlas_pixels(places.astype(np.float32)))
        assert away[1:-1].max() <= EDGE
        assert away.max() < 0.3 * UNIT


def test_a_bald_forehead_is_that_of_the_box():
    drawn = head(0)
    bald = replace(drawn, features=replace(drawn.features, hair=None))
    assert forehead(bald)[4] == pytest.approx((0, -1), abs=0.01)


@pytest.mark.parametrize("layout", MARKUPS)
def test_a_symmetric_face_is_its_own_mirror_image(layout):
    drawn = head(3)
    hair = np.array([(-1, 0), (-0.8, -0.8), (0.8, -0.8), (1, 0), (1.4, -2), (-1.4, -2)], np.float32)
    features = replace(drawn.features, gaze=np.zeros(2), hair=hair)
    points = mark(replace(drawn, features=features), layout)
    mirrored = points[list(find_layout(layout).flip)].copy()
    mirrored[:, 0] = SIDE - mirrored[:, 0]
    np.testing.assert_allclose(points, mirrored, atol=0.02)


@pytest.mark.parametrize("layout", ["ibug68", "ibug77", "wflw98"])
@pytest.mark.parametrize("pose", [(0, 0, 0), (40, -10, 15), (-30, 20, -25)])
def test_points_of_five_agree_with_those_of_many(layout, pose):
    """The nose and the mouth's corners are the same; an eye's middle lies between its lids."""
    drawn = head(5, *pose)
    five, many = mark(drawn, "celeba5"), mark(drawn, layout)
    found, names = find_layout(layout), find_layout(layout).points
    same = [names.index(name) for name in ("nose_ridge_3", "outer_lips_00", "outer_lips_06")]
    np.testing.assert_allclose(many[same], five[2:], atol=0.01)
    for eye, middle in zip(("left_eye", "right_eye"), five[:2], strict=True):
        hull = cv2.convexHull(many[list(found.groups[eye])])
        assert cv2.pointPolygonTest(hull, middle.tolist(), True) > -0.05 * UNIT


@pytest.mark.parametrize("pose", [(0, 0, 0), (30, -10, 15)])
def test_conversions_of_layouts_are_near_to_what_is_drawn(pose):
    """As far as definitions differ: of a brow its middle and upper edge, of an eye iris and lids."""
    for seed in SEEDS:
        drawn = head(seed, *pose)
        points = {name: mark(drawn, name) for name in MARKUPS}
        for start, end in (("ibug68", "celeba5"), ("ibug77", "ibug68"), ("wflw98", "ibug68")):
            converted = find_layout(start).convert(points[start], find_layout(end))
            away = np.linalg.norm(converted - points[end], axis=1) / UNIT
            assert away.max() < 0.16, (seed, start, end)
            assert away.mean() < 0.05, (seed, start, end)


def test_hidden_points_keep_their_place():
    """A nose turned before the far eye does not push that eye's points away."""
    near, far = mark(head(6, yaw=30), "ibug68"), mark(head(6, yaw=31), "ibug68")
    assert np.linalg.norm(near - far, axis=1).max() < 0.05 * UNIT


def test_a_layout_that_cannot_be_drawn():
    for call in (check_layout, lambda name: mark(head(0), name)):
        with pytest.raises(
            ProtofaceError, match=r"layout 'ibug69' cannot be drawn; there are celeba5, .*"
        ):
            call("ibug69")
