"""Looks of stages and finders: never the same twice, nor in black and white."""

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from protoface.eval.chart_style import FIRST, LAST, finder_looks, stage_looks


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 6, 7, 8, 20])
def test_every_stage_has_a_colour_and_a_line_of_its_own(count):
    looks = stage_looks(count)
    assert len(looks) == len({look.colour for look in looks}) == count
    assert len({(look.line, look.marker) for look in looks}) == count
    assert looks[-1].colour == LAST
    assert count == 1 or looks[0].colour == FIRST


def test_bars_of_as_many_stages_as_a_model_has_differ_by_hatch():
    looks = stage_looks(5)
    assert len({look.hatch for look in looks[:-1]}) == 4  # the last one and the first are plain


def test_finders_look_like_no_stage():
    finders, stages = finder_looks(4), stage_looks(7)
    assert len({look.colour for look in (*finders, *stages)}) == 11
    assert len({(look.line, look.marker) for look in finders}) == 4


def _luminance(colour):
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)]
    return float(np.dot(linear, (0.2126, 0.7152, 0.0722)))


def test_names_in_white_on_the_colours_of_first_and_last_can_be_read():
    """Contrast of at least 4.5 (WCAG 2.1)."""
    for colour in (FIRST, LAST):
        assert 1.05 / (_luminance(colour) + 0.05) >= 4.5
