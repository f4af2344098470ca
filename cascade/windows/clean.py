"""Clean mode: sub-pixel windows, the same convention in every stage."""

from __future__ import annotations

import math

from .clean_boxes import (
    EXTRA,
    PADS,
    cells,
    enough,
    level,
    moved,
    moved_windows,
    square_boxes,
    window_boxes,
)
from .sampling import resample, resample_all, shrink
from .window import NOTHING, Floats, Size, Window, to_picture

__all__ = [
    "EXTRA",
    "LACKS",
    "NAME",
    "PADS",
    "box",
    "cells",
    "enough",
    "level",
    "moved",
    "moved_windows",
    "resample",
    "resample_all",
    "shrink",
    "square",
    "square_boxes",
    "to_picture",
    "window_boxes",
]

NAME = "clean"
LACKS: frozenset[str] = frozenset()


def square(size: Size, points: Floats, around: int, a: int, b: int, k: float) -> Window:
    """The square of side k * distance(a, b), clipped; `around`, `a` and `b` are indices of points."""
    numbers = points.tolist()  # for so few, plain numbers are faster than arrays
    side = k * math.dist(numbers[a], numbers[b])
    x, y = numbers[around]
    offset = (side - 1) / 2
    return box(size, x - offset, y - offset, side, side)


def box(size: Size, x: float, y: float, width: float, height: float) -> Window:
    """The part of a rectangle that lies in the picture; empty (width or height 0) if none does.

    Clipped, not padded: the published nets were trained on clipped windows, and on real faces they are
    better for it.
    """
    rows, columns = size
    left, top = max(x, 0.0), max(y, 0.0)
    right, bottom = min(x + width, columns), min(y + height, rows)
    if not math.isfinite(left + top + right + bottom):
        return NOTHING
    return Window(left, top, max(right - left, 0.0), max(bottom - top, 0.0))
