"""Clean mode: sub-pixel rectangles, clipped to the picture."""

import numpy as np
import pytest

from protoface.cascade.windows import clean, sampling, window
from protoface.cascade.windows.window import NOTHING, Window


def test_windows_are_clipped_to_the_picture():
    size = (60, 100)
    assert clean.box(size, -5, 10, 50, 70) == Window(0, 10, 45, 50)
    assert clean.box(size, 20, 10, 5, 5) == Window(20, 10, 5, 5)
    for x, y in ((200, 0), (-90, 0), (0, 70), (np.nan, 0), (np.inf, 0)):
        assert clean.box(size, x, y, 50, 50).empty


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("index", range(4))
def test_what_is_no_number_shows_nothing(bad, index):
    numbers = [5.0, 5.0, 20.0, 20.0]
    numbers[index] = bad
    found = clean.box((60, 100), *numbers)
    if index >= 2 and bad == np.inf:  # to the picture's edge
        assert found.tolist() == ([5, 5, 95, 20] if index == 2 else [5, 5, 20, 55])
    else:
        assert found is NOTHING


def test_a_square_by_hand():
    points = np.array([(300, 300), (330, 340)], np.float32)
    size = (600, 600)
    assert clean.square(size, points, around=0, a=0, b=1, k=2) == Window(250.5, 250.5, 100, 100)
    # clipped, so no longer a square
    assert clean.square((320, 380), points, 0, 0, 1, k=2) == Window(250.5, 250.5, 100, 69.5)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_square_over_wild_points_is_empty(value):
    points = np.array([(value, 300), (330, 340)], np.float32)
    assert clean.square((600, 600), points, 0, 0, 1, k=2).empty


def test_it_places_and_resamples_as_windows_do():
    """Its own are those of all windows; faithful mode has others."""
    assert clean.to_picture is window.to_picture
    assert clean.resample is sampling.resample
