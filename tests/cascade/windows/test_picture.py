"""The picture window: all of the picture, or the box given in its place."""

import numpy as np
import pytest

from protoface.cascade.windows.window import Window

from .rules import rule

BOTH = pytest.mark.parametrize("mode", ["clean", "faithful"])


@BOTH
def test_it_is_the_whole_picture(mode):
    kind = rule("picture {}", mode)
    assert kind.over((60, 100), None, None) == Window(0, 0, 100, 60)
    # what was found before does not move it
    assert kind.over((60, 100), None, np.ones((5, 2), np.float32)) == Window(0, 0, 100, 60)
    assert kind.whole
    assert not kind.needs_points
    assert not kind.needs_box


@BOTH
def test_a_box_takes_its_place(mode):
    kind = rule("picture {}", mode)
    box = np.array([10.0, 20, 30, 15])
    assert kind.over((60, 100), box, None) == Window(10, 20, 30, 15)
    # a part of it may lie beyond the picture
    assert kind.over((60, 100), np.array([-10.0, 50, 30, 40]), None) == Window(0, 50, 20, 10)


def test_a_box_is_sub_pixel_in_clean_mode_and_rounded_in_faithful_mode():
    box = np.array([10.3, 20.7, 30.5, 15.25])
    clean = rule("picture {}").over((60, 100), box, None)
    assert clean.tolist() == pytest.approx([10.3, 20.7, 30.5, 15.25])
    assert rule("picture {}", "faithful").over((60, 100), box, None) == Window(10, 21, 31, 15)


@BOTH
@pytest.mark.parametrize("box", [(200, 0, 10, 10), (0, -50, 10, 40), (5, 5, 0, 10)])
def test_a_box_beside_the_picture_has_an_empty_window(mode, box):
    """One that the caller gives is refused by the view: test_pixels.py."""
    assert rule("picture {}", mode).over((60, 100), np.array(box, np.float64), None).empty
