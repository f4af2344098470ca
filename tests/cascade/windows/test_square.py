"""The square window: its corners by name; the arithmetic is that of the mode."""

import numpy as np
import pytest

from protoface.cascade.layouts import find_layout
from protoface.cascade.windows import clean, faithful
from protoface.cascade.windows.window import Window
from protoface.converters import ProtofaceError

from .rules import rule

SQUARE = 'square { around: "nose" k: 4 a: "nose" b: "left_eye" }'
POINTS = np.array([(40, 30), (80, 32), (60, 50), (45, 70), (75, 72)], np.float32)


@pytest.mark.parametrize("mode", [clean, faithful])
def test_it_is_the_square_of_its_mode(mode):
    kind = rule(SQUARE, mode.NAME)
    expected = mode.square((300, 400), POINTS + 100, around=2, a=2, b=0, k=4)
    assert kind.over((300, 400), None, POINTS + 100) == expected
    assert kind.corners == (2, 2, 0)
    assert kind.needs_points
    assert not kind.needs_box
    assert not kind.whole


def test_by_hand():
    """Nose and left eye are 20 * sqrt(2) apart."""
    points = np.array([(300, 300), (0, 0), (330, 340), (0, 0), (0, 0)], np.float32)
    assert rule(SQUARE.replace("k: 4", "k: 2")).over((600, 600), None, points) == Window(
        280.5, 290.5, 100, 100
    )


def test_points_are_those_of_the_layout():
    layout = find_layout("ibug68")
    name = layout.points[33]
    kind = rule(
        f'square {{ around: "{name}" k: 1 a: "{name}" b: "{layout.points[8]}" }}', layout=layout
    )
    assert kind.corners == (33, 33, 8)


@pytest.mark.parametrize("points", [np.zeros((5, 2)), np.full((5, 2), np.nan), POINTS + 9000])
def test_where_there_is_nothing_to_see_it_is_empty(points):
    assert rule(SQUARE).over((300, 400), None, points.astype(np.float32)).empty


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('a: "nose"', 'a: "chin"', "no point is named 'chin'; there are left_eye, right_eye, nose"),
        ('around: "nose"', "", "no point is named ''"),
        ("k: 4", "", "k is 0.0, it must be positive"),
        ("k: 4", "k: -1", "k is -1.0, it must be positive"),
    ],
)
def test_what_is_wrong_is_named_with_the_stage(old, new, message):
    with pytest.raises(ProtofaceError, match=f"stage 's': {message}"):
        rule(SQUARE.replace(old, new))
