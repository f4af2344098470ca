"""Layouts of points: mirrors, groups, distances, conversions, against the facts and real faces."""

import re
from pathlib import Path

import numpy as np
import pytest
from google.protobuf import text_format

from protoface.cascade import cascade_pb2
from protoface.cascade.layouts import (
    LAYOUTS,
    common_layout,
    find_layout,
    layout_of,
    make_layout,
    read_layout,
)
from protoface.converters import ProtofaceError
from protoface.converters.prototxt import read_message

COUNTS = {"celeba5": 5, "ibug68": 68, "ibug77": 77, "wflw98": 98}
CONVERSIONS = [
    ("ibug68", "celeba5"),
    ("ibug68", "ibug77"),
    ("ibug77", "celeba5"),
    ("ibug77", "ibug68"),
    ("wflw98", "celeba5"),
    ("wflw98", "ibug68"),
]
#: Mirror partners as published, points that have none left out.
MIRRORED_68 = """0-16 1-15 2-14 3-13 4-12 5-11 6-10 7-9 17-26 18-25 19-24 20-23 21-22 31-35 32-34 36-45
    37-44 38-43 39-42 40-47 41-46 48-54 49-53 50-52 55-59 56-58 60-64 61-63 65-67"""
MIRRORED = {
    "celeba5": "0-1 3-4",
    "ibug68": MIRRORED_68,
    "ibug77": f"{MIRRORED_68} 68-76 69-75 70-74 71-73",
    "wflw98": """0-32 1-31 2-30 3-29 4-28 5-27 6-26 7-25 8-24 9-23 10-22 11-21 12-20 13-19 14-18 15-17
    33-46 34-45 35-44 36-43 37-42 38-50 39-49 40-48 41-47 55-59 56-58 60-72 61-71 62-70 63-69 64-68
    65-75 66-74 67-73 76-82 77-81 78-80 83-87 84-86 88-92 89-91 93-95 96-97""",
}


def faces(layout: str, count: int = 3) -> np.ndarray:
    return np.random.default_rng(0).uniform(50, 250, (count, COUNTS[layout], 2))


def mirrored(points: np.ndarray, layout: str, width: int = 300) -> np.ndarray:
    return (points * (-1, 1) + (width - 1, 0))[..., list(find_layout(layout).flip), :]


def test_the_package_has_these_layouts():
    assert {name: len(find_layout(name)) for name in LAYOUTS} == COUNTS
    assert all(find_layout(name).name == name for name in LAYOUTS)


@pytest.mark.parametrize("name", COUNTS)
def test_mirror_partners_are_the_published_ones(name):
    layout = find_layout(name)
    pairs = {tuple(map(int, pair.split("-"))) for pair in MIRRORED[name].split()}
    found = {(i, j) for i, j in enumerate(layout.flip) if i < j}
    assert found == pairs
    assert sorted(layout.flip) == list(range(len(layout)))
    assert [layout.flip[i] for i in layout.flip] == list(range(len(layout)))
    for i, j in found:
        left, right = layout.points[i], layout.points[j]
        # "left" and "right" change places wherever names tell them apart
        assert ("left" in left) == ("right" in right)
        assert ("right" in left) == ("left" in right)


@pytest.mark.parametrize("name", COUNTS)
def test_parts_of_the_face_change_sides_in_the_mirror(name):
    layout = find_layout(name)
    for group, points in layout.groups.items():
        flipped = {layout.flip[point] for point in points}
        partner = group.replace("left", "?").replace("right", "left").replace("?", "right")
        assert flipped == set(layout.groups[partner])
    covered = [point for points in layout.parts.values() for point in points]
    assert sorted(covered) == list(range(len(layout)))


def test_groups_are_the_ranges_of_the_markups():
    for name in ("ibug68", "ibug77"):
        groups = find_layout(name).groups
        assert groups["contour"] == tuple(range(17))
        assert groups["brows"] == tuple(range(17, 27))
        assert groups["nose"] == tuple(range(27, 36))
        assert groups["left_eye"] == tuple(range(36, 42))
        assert groups["right_eye"] == tuple(range(42, 48))
        assert groups["mouth"] == tuple(range(48, 68))
    assert find_layout("ibug77").groups["forehead"] == tuple(range(68, 77))
    groups = find_layout("wflw98").groups
    assert groups["contour"] == tuple(range(33))
    assert (groups["left_brow"], groups["right_brow"]) == (tuple(range(33, 42)), tuple(range(42, 51)))
    assert groups["nose"] == tuple(range(51, 60))
    assert (groups["left_eye"], groups["right_eye"]) == (tuple(range(60, 68)), tuple(range(68, 76)))
    assert (groups["outer_lips"], groups["inner_lips"]) == (tuple(range(76, 88)), tuple(range(88, 96)))
    assert groups["pupils"] == (96, 97)


@pytest.mark.parametrize(
    ("name", "outer", "left", "right"),
    [
        ("celeba5", (0, 1), slice(0, 1), slice(1, 2)),
        ("ibug68", (36, 45), slice(36, 42), slice(42, 48)),
        ("ibug77", (36, 45), slice(36, 42), slice(42, 48)),
        ("wflw98", (60, 72), slice(60, 68), slice(68, 76)),
    ],
)
def test_distances_are_those_of_the_literature(name, outer, left, right):
    layout, points = find_layout(name), faces(name)
    expected = np.linalg.norm(points[:, outer[0]] - points[:, outer[1]], axis=1)
    np.testing.assert_allclose(layout.distance("inter_ocular", points), expected)
    pupils = np.linalg.norm(points[:, left].mean(1) - points[:, right].mean(1), axis=1)
    np.testing.assert_allclose(layout.distance("inter_pupil", points), pupils)
    assert layout.distance("inter_ocular", points[0]).shape == ()
    with pytest.raises(ProtofaceError, match=f"layout '{name}' has no distance 'diagonal'"):
        layout.distance("diagonal", points)


def test_five_points_are_eyes_nose_and_corners_of_the_mouth():
    for name, nose, corners, eyes in (
        ("ibug68", 30, (48, 54), (slice(36, 42), slice(42, 48))),
        ("ibug77", 30, (48, 54), (slice(36, 42), slice(42, 48))),
        ("wflw98", 54, (76, 82), (slice(60, 68), slice(68, 76))),
    ):
        points = faces(name)
        found = find_layout(name).convert(points, find_layout("celeba5"))
        np.testing.assert_allclose(found[:, 0], points[:, eyes[0]].mean(1))
        np.testing.assert_allclose(found[:, 1], points[:, eyes[1]].mean(1))
        np.testing.assert_array_equal(found[:, 2:], points[:, [nose, *corners]])


def test_sixty_of_wflws_points_are_ibugs():
    matrix = find_layout("wflw98").conversions["ibug68"]
    same = {i: int(row.argmax()) for i, row in enumerate(matrix) if row.max() == 1}
    assert len(same) == 60
    assert [same[i] for i in range(17)] == list(range(0, 33, 2))
    assert [same[i] for i in range(17, 36)] == [*range(33, 38), *range(42, 47), *range(51, 60)]
    assert [same[i] for i in (36, 39, 42, 45)] == [60, 64, 68, 72]
    assert [same[i] for i in range(48, 68)] == list(range(76, 96))
    # thirds of a lid: two from its ends on a lid that is straight and has its points at quarters
    lids = np.zeros((98, 2))
    for start in (60, 68):
        lids[start : start + 8, 0] = (0, 1 / 4, 1 / 2, 3 / 4, 1, 3 / 4, 1 / 2, 1 / 4)
    found = (matrix @ lids)[36:48, 0]
    np.testing.assert_allclose(found, [0, 1 / 3, 2 / 3, 1, 2 / 3, 1 / 3] * 2, atol=1e-7)


def test_the_forehead_is_half_an_ellipse():
    """The rule written once more: C + cos(a) U + sin(a) (T - C)."""
    points = faces("ibug68", 1)[0]
    found = find_layout("ibug68").convert(points, find_layout("ibug77"))
    np.testing.assert_array_equal(found[:68], points)
    centre, half = (points[0] + points[16]) / 2, (points[16] - points[0]) / 2
    top = points[21] + points[22] - points[33]
    for k in range(9):
        angle = np.radians(180 - 18 * (k + 1))
        expected = centre + np.cos(angle) * half + np.sin(angle) * (top - centre)
        np.testing.assert_allclose(found[68 + k], expected, atol=1e-4)
    np.testing.assert_array_equal(find_layout("ibug77").convert(found, find_layout("ibug68")), points)


def test_every_conversion_is_tested():
    assert [(a, b) for a in COUNTS for b in find_layout(a).conversions] == CONVERSIONS


@pytest.mark.parametrize(("name", "to"), CONVERSIONS)
def test_conversions_commute_with_mirrors_and_similarities(name, to):
    layout, other, points = find_layout(name), find_layout(to), faces(name)
    converted = layout.convert(points, other)
    assert converted.shape == (len(points), COUNTS[to], 2)
    np.testing.assert_allclose(
        layout.convert(mirrored(points, name), other), mirrored(converted, to), atol=2e-5
    )
    turn = 1.7 * np.array([[np.cos(0.4), np.sin(0.4)], [-np.sin(0.4), np.cos(0.4)]])
    moved = layout.convert(points @ turn + (1e4, -2e4), other)
    np.testing.assert_allclose(moved, converted @ turn + (1e4, -2e4), atol=1e-8)


def test_points_that_need_no_conversion_stay_as_they_are():
    layout, points = find_layout("ibug68"), faces("ibug68")
    assert layout.convert(points, layout) is points
    with pytest.raises(ProtofaceError, match="'celeba5' cannot be converted to 'ibug68', only to none"):
        find_layout("celeba5").convert(faces("celeba5"), layout)
    with pytest.raises(ProtofaceError, match="'wflw98' cannot be .* only to celeba5, ibug68"):
        find_layout("wflw98").convert(faces("wflw98"), find_layout("ibug77"))


@pytest.mark.parametrize(
    ("first", "second", "common"),
    [
        ("celeba5", "wflw98", "celeba5"),
        ("ibug68", "wflw98", "ibug68"),
        ("ibug68", "ibug77", "ibug68"),  # 77 can be made of 68, but its forehead would be made up
        ("ibug77", "wflw98", "ibug68"),  # neither can be made of the other
        ("wflw98", "wflw98", "wflw98"),
    ],
)
def test_faces_are_compared_by_the_points_that_both_have(first, second, common):
    for a, b in ((first, second), (second, first)):
        assert common_layout(find_layout(a), find_layout(b)).name == common


def test_strange_points_cannot_be_compared():
    strange = layout_of(cascade_pb2.CascadeParameter(point=[{"name": "chin"}]), "a file")
    assert common_layout(strange, strange) is strange
    with pytest.raises(
        ProtofaceError, match=r"\(1 points without a name\) and 'ibug68' cannot be comp"
    ):
        common_layout(strange, find_layout("ibug68"))


def test_a_cascade_names_its_layout_or_lists_its_points():
    def made(**fields: object) -> cascade_pb2.CascadeParameter:
        return cascade_pb2.CascadeParameter(**fields)

    assert layout_of(made(layout="wflw98"), "a file") is find_layout("wflw98")
    five = read_message(LAYOUTS["celeba5"], cascade_pb2.LayoutParameter()).point
    for point in five:
        del point.group[:]
    assert layout_of(made(point=five), "a file") is find_layout("celeba5")
    five[0].ClearField("flip")
    five[1].ClearField("flip")
    assert layout_of(made(point=five), "a file").flip == (0, 1, 2, 4, 3)
    with pytest.raises(ProtofaceError, match="a file: has a layout and points of its own"):
        layout_of(made(layout="wflw98", point=five), "a file")
    with pytest.raises(ProtofaceError, match="'ibug66' is unknown; there are celeba5, ibug68"):
        layout_of(made(layout="ibug66"), "a file")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the file is empty"),
        ('name: "none"', "needs points with different names, has "),
        ('point { name: "a" } point { name: "a" }', "needs points with different names, has "),
        ('point { flip: "a" }', "needs points with different names, has "),
        ('point { name: "a" flip: "b" }', "point 'a': no point is named 'b'"),
        ('point { name: "a" flip: "b" } point { name: "b" }', "if a point's flip is another point"),
        (
            'point { name: "a" group: "b" } point { name: "b" }',
            "'b' is a point and a group of other points",
        ),
        ('point { name: "a" } distance { a: "a" b: "c" }', "no point and no group is named 'c'"),
        (
            'point { name: "a" } conversion { to: "x" point { of: "b" } }',
            "no point and no group is named 'b'",
        ),
        (
            'point { name: "a" } conversion { to: "x" point { of: "a" weight: 2 } }',
            "conversion to 'x': .* needs a weight for each, adding up to 1, not",
        ),
        (
            'point { name: "a" } conversion { to: "x" point { of: "a" weight: 0.5 weight: 0.5 } }',
            "needs a weight for each",
        ),
        ('point { name: "a" } conversion { to: "x" point { } }', "needs a weight for each"),
        (
            'point { name: "a" } conversion { to: "celeba5" point { of: "a" } }',
            "conversion to 'celeba5': has 1 points, needs 5",
        ),
        ("point { nam }", "line 1|1:"),
    ],
)
def test_mistakes_name_the_file_and_the_point(text, message, tmp_path):
    path = tmp_path / "own.prototxt"
    path.write_text(text)
    with pytest.raises(ProtofaceError, match=rf"own\.prototxt.*({message})"):
        read_layout(path)


def test_places_are_points_means_and_weighted_means():
    text = """point { name: "a" group: "ab" } point { name: "b" group: "ab" } point { name: "c" }
        conversion { to: "x" point { of: "ab" of: "c" }
            point { of: "a" of: "c" weight: 3 weight: -2 } }"""
    layout = make_layout(text_format.Parse(text, cascade_pb2.LayoutParameter()), "a file")
    np.testing.assert_allclose(layout.conversions["x"], [[0.25, 0.25, 0.5], [3, 0, -2]])


def read_pts(path: Path) -> np.ndarray:
    rows = path.read_text().split("{")[1].split("}")[0].split()
    return np.array(rows, float).reshape(-1, 2) - 1


def normal(points: np.ndarray, layout: str) -> np.ndarray:
    """The mean of faces, moved, turned and scaled until their outer eye corners are in place."""
    places = find_layout(layout).distances["inter_ocular"]
    a, b = (points[:, list(end)].mean(1) @ (1, 1j) for end in places)
    z = points @ (1, 1j)
    mean = ((z - ((a + b) / 2)[:, None]) / (b - a)[:, None]).mean(0)
    return np.stack([mean.real, mean.imag], axis=-1)


def real_68(shared: Path) -> np.ndarray:
    return np.array([read_pts(path) for path in sorted((shared / "faces/w300/helen").rglob("*.pts"))])


def real_98(shared: Path) -> np.ndarray:
    folder = shared / "faces/wflw/WFLW_annotations/list_98pt_rect_attr_train_test"
    lines = (folder / "list_98pt_rect_attr_train.txt").read_text().splitlines()
    return np.array([line.split()[:196] for line in lines], float).reshape(-1, 98, 2)


def test_mean_faces_are_their_own_mirror_images(shared):
    for layout, points in (("ibug68", real_68(shared)), ("wflw98", real_98(shared))):
        mean = normal(points, layout)
        flipped = (mean * (-1, 1))[list(find_layout(layout).flip)]
        assert np.linalg.norm(mean - flipped, axis=1).max() < 0.06
        # and every point's nearest mirrored point is its partner
        nearest = np.linalg.norm(mean[:, None] - (mean * (-1, 1))[None], axis=2).argmin(1)
        assert tuple(nearest) == find_layout(layout).flip


def test_faces_of_wflw_become_faces_of_300_w(shared):
    """The mean faces of the two sets, which show other people in other poses, as 68 points."""
    converted = find_layout("wflw98").convert(real_98(shared), find_layout("ibug68"))
    found, expected = normal(converted, "ibug68"), normal(real_68(shared), "ibug68")
    distances = np.linalg.norm(found - expected, axis=1)
    assert distances[17:].mean() < 0.05
    nearest = np.linalg.norm(found[:, None] - expected[None], axis=2).argmin(1)
    # but for the contour, whose points may slide, and inner lips, which are open in other pictures
    assert nearest[17:60].tolist() == list(range(17, 60))


def other_nose(**fields: object) -> cascade_pb2.ConversionParameter:
    """300-W's five points, but the nose half-way between its tip and its base."""
    nose = {"of": ["nose_ridge_3", "nose_base_2"], "weight": [0.5, 0.5]}
    names = ["left_eye", "right_eye", "outer_lips_00", "outer_lips_06"]
    points = [{"of": [name]} for name in names]
    points.insert(2, nose)
    return cascade_pb2.ConversionParameter(**{"to": "celeba5", "point": points, **fields})


def test_a_layout_takes_another_conversion():
    layout, five = find_layout("ibug68"), find_layout("celeba5")
    points = np.random.default_rng(0).uniform(0, 100, (68, 2))
    found = layout.with_conversion(other_nose(), "here").convert(points, five)
    expected = layout.convert(points, five)
    expected[2] = (points[30] + points[33]) / 2
    np.testing.assert_allclose(found, expected)
    # the layout itself, and its other conversions, stay as they are
    assert not np.allclose(layout.convert(points, five)[2], expected[2])
    changed = layout.with_conversion(other_nose(), "here")
    np.testing.assert_array_equal(changed.conversions["ibug77"], layout.conversions["ibug77"])


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"to": "six"}, "here: conversion to 'six', which is no layout; there are celeba5, ibug68"),
        ({"point": [{"of": ["left_eye"]}]}, "here: conversion to 'celeba5': has 1 points, needs 5"),
        ({"point": [{"of": ["ear"]}] * 5}, "here: no point and no group is named 'ear'"),
        (
            {"point": [{"of": ["left_eye"], "weight": [0.5]}] * 5},
            "needs a weight for each, adding up",
        ),
    ],
)
def test_a_wrong_conversion_is_refused(fields, message):
    with pytest.raises(ProtofaceError, match=re.escape(message)):
        find_layout("ibug68").with_conversion(other_nose(**fields), "here")
