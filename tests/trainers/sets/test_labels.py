"""Python 2's arithmetic, written a second time with whole numbers and fractions."""

import math
from fractions import Fraction

import numpy as np
import pytest

from protoface.converters import ProtofaceError
from protoface.trainers.sets.labels import (
    centre,
    label_line,
    round_half_away,
    to_label,
    to_labels,
    to_pixels,
)


def exact_round(value: float, digits: int) -> float:
    scaled = abs(Fraction(value)) * 10**digits
    return math.copysign(float(Fraction(math.floor(scaled + Fraction(1, 2)), 10**digits)), value)


def test_rounding_equals_exact_arithmetic() -> None:
    values = np.random.default_rng(0).uniform(-2, 2, 5000).tolist()
    halves = [(2 * k + 1) / 32 for k in range(-64, 64)]  # exact halves at four decimals
    for value in values + halves:
        assert round_half_away(value) == exact_round(value, 4)


def test_halves_leave_zero_where_python_3_goes_to_even() -> None:
    assert [round_half_away(sign / 32) for sign in (1, -1)] == [0.0313, -0.0313]
    assert round(1 / 32, 4) == 0.0312


def test_labels_equal_the_formula_of_the_original() -> None:
    generator = np.random.default_rng(1)
    for _ in range(200):
        width, height = generator.integers(3, 900, 2).tolist()
        points = np.round(generator.uniform(0, (width - 1, height - 1), (5, 2)))
        label = to_label(points, width, height)
        for (x, y), found in zip(points.tolist(), label.tolist(), strict=True):
            half_x, half_y = (width - 1) // 2, (height - 1) // 2
            assert found == [
                exact_round((x - half_x) / half_x, 4),
                exact_round((y - half_y) / half_y, 4),
            ]


def test_many_at_once_are_the_same_to_the_last_bit() -> None:
    """Widths of 2 (16 k) + 1 make halves in the fifth decimal, exact ones and ones of rounding."""
    generator = np.random.default_rng(2)
    sizes = np.concatenate(
        (generator.integers(3, 900, (300, 2)), 32 * generator.integers(1, 30, (300, 2)) + 1)
    )
    points = np.round(generator.uniform(0, sizes[:, None] - 1, (600, 5, 2)))
    centres = [(centre(width), centre(height)) for width, height in sizes.tolist()]
    for found, one, (x, y) in zip(to_labels(points, centres), points, centres, strict=True):
        rounded = [
            (round_half_away((a - x) / x), round_half_away((b - y) / y)) for a, b in one.tolist()
        ]
        assert found.tolist() == [list(pair) for pair in rounded]


def test_labels_come_back_as_the_same_pixels() -> None:
    points = np.array([(0, 0), (177, 217), (88, 108), (89, 109), (31, 200)], float)
    assert np.array_equal(to_pixels(to_label(points, 178, 218), 178, 218), points)


def test_even_and_odd_sizes_share_a_centre() -> None:
    assert [centre(size) for size in (3, 4, 5, 218)] == [1, 1, 2, 108]


def test_a_line_of_a_list() -> None:
    label = np.array([(0.5, -0.25), (0.0001, -1.0)])
    assert label_line("a b.jpg", label) == "a b.jpg 0.5 -0.25 0.0001 -1.0"


def test_too_small_a_picture_has_no_label() -> None:
    with pytest.raises(ProtofaceError, match="2 pixels are too few"):
        to_label([(0, 0)], 2, 100)
