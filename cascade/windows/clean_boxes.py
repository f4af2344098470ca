"""Boxes in clean mode: what a net says of a cell or a window, without any rounding.

A box x, y, width, height is what `Window` is: the slice of pixels that it covers, sub-pixel. So a
picture that is shifted has shifted boxes.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .levels import Level
from .window import Floats, Size, Window, shown_boxes

#: Whether a window may reach beyond the picture.
PADS = True
#: What is added to the sides of boxes where overlaps are measured, by union and by minimum.
EXTRA = (0.0, 0.0)


def level(size: Size, scale: float) -> Level:
    """A level of the nearest whole number of pixels; its scales are those that it has got."""
    rows, columns = (max(1, round(side * scale)) for side in size)
    return Level(rows, columns, columns / size[1], rows / size[0])


def enough(scores: Floats, least: float, mapped: bool) -> Floats:
    """Whether scores (n) are high enough."""
    found: Floats = scores >= np.float32(least)
    return found


def cells(level: Level, corners: Floats, side: int) -> Floats:
    """Boxes (n, 4) of cells of that side whose first pixels (n, 2) are (x, y) in a level."""
    scales = np.array((level.scale_x, level.scale_y))
    sides = np.broadcast_to(side / scales, corners.shape)
    return np.concatenate((corners / scales, sides), 1)


def moved(boxes: Floats, offsets: Floats) -> Floats:
    """Boxes (n, 4) whose corners are moved by offsets (n, 4) dx1, dy1, dx2, dy2 of their sides."""
    start, sides = boxes[:, :2] + offsets[:, :2] * boxes[:, 2:], boxes[:, 2:]
    return np.concatenate((start, sides + (offsets[:, 2:] - offsets[:, :2]) * sides), 1)


def window_boxes(windows: Sequence[Window]) -> Floats:
    """The boxes (n, 4) that windows (n) show."""
    return shown_boxes(windows)


def moved_windows(windows: Sequence[Window], offsets: Floats) -> Floats:
    """The boxes (n, 4) that offsets (n, 4) make of windows (n)."""
    return moved(shown_boxes(windows), offsets)


def square_boxes(sizes: Sequence[Size], boxes: Floats) -> list[Window]:
    """Squares of the longer sides of boxes (n, 4) on the same centres, also beyond their pictures."""
    sides = boxes[:, 2:].max(1, keepdims=True)
    start = boxes[:, :2] + (boxes[:, 2:] - sides) / 2
    return [Window(*square) for square in np.concatenate((start, sides, sides), 1).tolist()]
