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
