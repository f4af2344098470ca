"""The answer of points: in the window, in the patches, in a mirrored picture."""

import numpy as np
import pytest

from protoface.cascade import MODES, Window, cascade_pb2
from protoface.cascade.answers.map_places import Map, Places
from protoface.cascade.answers.points import PointsAnswer
from protoface.cascade.face import Candidate
from protoface.cascade.layouts import find_layout
from protoface.cascade.windows.levels import Level
from protoface.cascade.windows.window import NOTHING, centred
from protoface.converters import ProtofaceError
from protoface.converters.prototxt import parse_message

LAYOUTS = pytest.mark.parametrize("layout", ["celeba5", "ibug68"])
BEFORE = np.arange(10, dtype=np.float32).reshape(5, 2)


def answer(layout: str = "celeba5", mode: str = "clean") -> PointsAnswer:
    return PointsAnswer(cascade_pb2.PointsAnswer(), find_layout(layout), MODES[mode])


def points(values: np.ndarray, window: Window, made: PointsAnswer, before=None) -> np.ndarray:
    """What is found for one candidate that looked through `window`."""
    (found,) = made.read(values[None], [window], [Candidate(0, (60, 80), points=before)])
    return found.points


def test_it_is_x_and_y_of_every_point():
    assert answer().shape == (10,)
    assert answer("ibug68").shape == (136,)


def test_points_in_the_picture_by_hand():
    values = np.array([-1, -1, 1, 1, 0, 0, -1, 1, 0.5, 0], np.float32)
    window = Window(10, 20, 101, 61)
    expected = [(10, 20), (110, 80), (60, 50), (10, 80), (85, 50)]
    np.testing.assert_allclose(points(values, window, answer()), expected, atol=1e-5)
    # whole pixels, from an integer centre
    faithful = points(values, Window(10, 20, 100, 60), answer(mode="faithful"))
    np.testing.assert_array_equal(faithful, [(10, 20), (108, 78), (59, 49), (10, 78), (84, 49)])


def test_every_candidate_gets_its_own():
    generator = np.random.default_rng(0)
    values = generator.uniform(-1, 1, (3, 10)).astype(np.float32)
    windows = [Window(0, 0, 9, 9), centred(50, 50, 21, 45), NOTHING]
    candidates = [Candidate(number, (60, 80), points=BEFORE, id=number) for number in range(3)]
    found = answer().read(values, windows, candidates)
    for value, window, candidate in zip(values, windows, found, strict=True):
        expected = points(value, window, answer(), BEFORE)
        np.testing.assert_array_equal(candidate.points, expected)
    assert [candidate.id for candidate in found] == [0, 1, 2]
    # the given ones are as they were
    assert all(candidate.points is BEFORE for candidate in candidates)


def test_where_nothing_was_seen_points_stay():
    assert points(np.zeros(10, np.float32), NOTHING, answer(), BEFORE) is BEFORE


@LAYOUTS
def test_mirrored_points_lie_where_the_mirror_has_them(layout):
    """Found in a mirrored window, carried back, they are those of the window as it is."""
    known = find_layout(layout)
    count = len(known)
    truth = np.random.default_rng(0).uniform(0, 80, (count, 2))
    mirrored = truth[list(known.flip)] * (-1, 1) + (100, 0)  # of a picture of 101 columns
    window = Window(0, 0, 101, 81)
    half = np.array([50, 40])
    values = ((mirrored - half) / half).astype(np.float32).reshape(1, -1)
    back = answer(layout).mirrored(values)
    assert back.shape == values.shape
    assert back.dtype == np.float32
    np.testing.assert_allclose(points(back[0], window, answer(layout)), truth, atol=1e-4)


@LAYOUTS
def test_mirrored_twice_is_itself(layout):
    made = answer(layout)
    values = np.random.default_rng(0).normal(size=(4, *made.shape)).astype(np.float32)
    assert not np.array_equal(made.mirrored(values), values)
    np.testing.assert_array_equal(made.mirrored(made.mirrored(values)), values)


def form(text: str, mode: str = "clean") -> PointsAnswer:
    parameter = parse_message(text, cascade_pb2.PointsAnswer(), "text")
    return PointsAnswer(parameter, find_layout("celeba5"), MODES[mode])


def test_all_x_then_all_y():
    values = np.array([-1, 1, 0, -1, 0.5, -1, 1, 0, 1, 0], np.float32)
    pairs = values.reshape(2, 5).T.ravel()
    window = Window(10, 20, 101, 61)
    expected = points(pairs, window, answer())
    np.testing.assert_array_equal(points(values, window, form("order: AXES")), expected)
    mirrored = form("order: AXES").mirrored(values[None])[0].reshape(2, 5).T
    np.testing.assert_array_equal(mirrored.ravel(), answer().mirrored(pairs[None])[0])


@pytest.mark.parametrize("mode", ["clean", "faithful"])
def test_parts_of_the_sides_from_the_first_pixel(mode):
    values = np.array([0, 0, 1, 1, 0.5, 0.5, 0, 1, 0.25, 0], np.float32)
    expected = [(10, 20), (50, 80), (30, 50), (10, 80), (20, 20)]
    made = form("range: CORNER", mode)
    np.testing.assert_allclose(points(values, Window(10, 20, 40, 60), made), expected)
    # of a window that is cut off at the border, in those of what it is cut from
    cut = Window(15, 20, 35, 60, frame=Window(10, 20, 40, 60))
    np.testing.assert_allclose(points(values, cut, made), expected)
    assert not made.mirrors


@pytest.mark.parametrize("scale", [1, 0.5])
def test_points_of_a_map_are_in_pixels_of_the_input(scale):
    """-1 is the centre of the cell's first pixel, so the one at 16 of a cell of 8; 1 that at 23."""
    level = Level(64, 64, scale, scale, 64, 64)
    corners = np.array([(16, 8)])
    places = Places(Map(8, 8), level, np.zeros(1), corners, corners, corners, np.zeros(1))
    values = np.array([[-1, -1, 1, 1, 0, 0, 3, -1, -1, 1]], np.float32)
    in_level = np.array([(16, 8), (23, 15), (19.5, 11.5), (30, 8), (16, 15)])
    found = answer().read_places(values, places).points
    np.testing.assert_allclose(found, [(in_level + 0.5) / scale - 0.5])
    corner = form("range: CORNER").read_places(values, places).points
    np.testing.assert_allclose(corner[0, :2] * scale, [(8, 0), (24, 16)])


def framed(text: str) -> PointsAnswer:
    parameter = parse_message(text, cascade_pb2.PointsAnswer(), "text")
    return PointsAnswer(parameter, find_layout("celeba5"), MODES["clean"])


@pytest.mark.parametrize("angle", [0, 30])
def test_offsets_in_pixels_of_a_frame_turn_and_grow_with_the_window(angle):
    """A window of 224 pixels shows a frame of 112: 1 there is 2 in the picture."""
    offsets = np.array([1, 0, 0, 1, -2, 0, 0, 0, 3, 4], np.float32)
    found = points(
        offsets, centred(50, 50, 224, angle), framed("relative_to: POINTS frame: 112"), BEFORE
    )
    cos, sin = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    turned = offsets.reshape(-1, 2) @ np.array([[cos, sin], [-sin, cos]])
    np.testing.assert_allclose(found, BEFORE + 2 * turned, rtol=1e-5)


def test_places_in_pixels_of_a_frame():
    """0 is the centre of the frame's first pixel, as a net's input that is resized has it."""
    window = Window(10, 20, 224, 224)
    values = np.array([0, 0, 111, 111, 55.5, 55.5, 0, 1, 1, 0], np.float32)
    expected = [(10.5, 20.5), (232.5, 242.5), (121.5, 131.5), (10.5, 22.5), (12.5, 20.5)]
    np.testing.assert_allclose(points(values, window, framed("frame: 112")), expected)


def test_relative_points_without_a_frame_are_in_half_windows():
    found = points(
        np.full(10, 0.5, np.float32), Window(0, 0, 101, 61), framed("relative_to: POINTS"), BEFORE
    )
    np.testing.assert_allclose(found, BEFORE + (25, 15))


def test_relative_points_of_nothing_seen_stay():
    assert points(np.ones(10, np.float32), NOTHING, framed("relative_to: POINTS"), BEFORE) is BEFORE


@pytest.mark.parametrize("text", ["relative_to: POINTS frame: 40", "frame: 40"])
@pytest.mark.parametrize("order", ["PAIRS", "AXES"])
def test_points_of_frames_mirrored(text, order):
    """What a net says of the mirrored picture, turned back, is what it says of the picture."""
    made = framed(f"{text} order: {order}")
    window = Window(0, 0, 80, 80)
    generator = np.random.default_rng(0)
    values, flip = generator.uniform(0, 39, (1, 10)).astype(np.float32), list(made.layout.flip)
    mirrored_before = BEFORE[flip] * (-1, 1) + (79, 0)
    here = points(made.mirrored(values)[0], window, made, BEFORE)
    there = points(values[0], window, made, mirrored_before.astype(np.float32))
    np.testing.assert_allclose(here, there[flip] * (-1, 1) + (79, 0), atol=1e-4)


def test_corners_have_no_frame():
    with pytest.raises(ProtofaceError, match="range CORNER have no frame"):
        framed("range: CORNER frame: 3")
