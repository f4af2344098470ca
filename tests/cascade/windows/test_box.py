"""The box window: a given box, enlarged around its centre and clipped."""

import numpy as np
import pytest

from protoface.cascade.windows.window import Window
from protoface.converters import ProtofaceError

from .rules import rule

BOTH = pytest.mark.parametrize("mode", ["clean", "faithful"])


@BOTH
def test_it_is_the_box(mode):
    kind = rule("box {}", mode)
    assert kind.over((60, 100), np.array([10.0, 20, 30, 15]), None) == Window(10, 20, 30, 15)
    assert kind.needs_box
    assert not kind.needs_points
    assert not kind.whole


@BOTH
@pytest.mark.parametrize(
    ("scale", "expected"),
    [
        (1.5, (90, 55, 60, 30)),
        (0.5, (110, 65, 20, 10)),
        (3, (60, 40, 120, 60)),
        (5, (20, 20, 200, 100)),
    ],
)
def test_it_grows_around_its_centre(mode, scale, expected):
    kind = rule(f"box {{ scale: {scale} }}", mode)
    assert kind.over((200, 300), np.array([100.0, 60, 40, 20]), None) == Window(*expected)


def test_it_is_clipped_to_the_picture():
    kind = rule("box { scale: 2 }")
    assert kind.over((60, 100), np.array([0.0, 0, 40, 20]), None) == Window(0, 0, 60, 30)
    assert kind.over((60, 100), np.array([80.0, 50, 20, 10]), None) == Window(70, 45, 30, 15)


def test_without_a_box_it_says_so():
    with pytest.raises(ProtofaceError, match="it looks through a box: give boxes"):
        rule("box {}").over((60, 100), None, None)


@BOTH
@pytest.mark.parametrize("box", [(200, 0, 10, 10), (5, 5, 0, 10), (5, 5, 10, -3)])
def test_a_box_that_shows_nothing_has_an_empty_window(mode, box):
    """One that the caller gives is refused by the view: test_pixels.py."""
    assert rule("box {}", mode).over((60, 100), np.array(box, np.float64), None).empty


def test_a_square_has_the_longer_side_and_the_same_centre():
    box = np.array([40.0, 20, 20, 10])
    assert rule("box { square: true }").over((60, 100), box, None) == Window(40, 15, 20, 20)
    assert rule("box { square: true scale: 2 }").over((90, 100), box, None) == Window(30, 5, 40, 40)


@pytest.mark.parametrize(("border", "black"), [("BLACK", True), ("EDGE", False)])
def test_beyond_the_picture_it_is_black_or_the_edge(border, black):
    box = np.array([-10.0, 20, 40, 20])
    square = rule(f"box {{ square: true border: {border} }}")
    assert square.over((60, 100), box, None) == Window(-10, 10, 40, 40, black=black)
    assert rule(f"box {{ border: {border} }}").over((60, 100), box, None) == Window(
        -10, 20, 40, 20, black=black
    )
    assert square.over((60, 100), np.array([-50.0, 0, 40, 40]), None).empty
    assert square.over((60, 100), np.array([-5000.0, -5000, 9999, 9999]), None).empty


@pytest.mark.parametrize("border", ["BLACK", "EDGE", "CLIP"])
def test_faithful_mode_clips(border):
    box = np.array([-9.5, 20.5, 40, 20])
    square = rule(f"box {{ square: true border: {border} }}", "faithful").over((60, 100), box, None)
    # x1 = -9.5 to x2 = 30.5 are the pixels 1 to 30 counted from 1; y1 = 10.5 those from 10
    assert (square.x, square.y, square.width, square.height) == (0, 9, 30, 41)
    assert square.frame == Window(-10.5, 9.5, 41, 41)
    plain = rule(f"box {{ border: {border} }}", "faithful").over((60, 100), box, None)
    assert plain == Window(0, 20, 30, 20)


@pytest.mark.parametrize("scale", ["0", "-1", "17", "nan"])
def test_a_scale_that_makes_no_window_is_refused(scale):
    with pytest.raises(ProtofaceError, match="scale is .*, it must be above 0 and at most 16"):
        rule(f"box {{ scale: {scale} }}")
