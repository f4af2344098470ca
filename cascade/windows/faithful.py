"""Faithful mode: what the original's demo computed, with its rounding and its quirks.

For finders it is what facenet-pytorch computes (`faithful_boxes.py`, `area_means.py`).

Resizing is done in float32, centres are divided as integers, points are rounded to whole pixels (halves
to even), and a square's far edge is one pixel further than its side. Arithmetic is float32 as there:
in float64 some windows move by a pixel. Source: the original experiment's demo and crop, in NumPy.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

import cv2
import numpy as np

from .area_means import area_means, means_of_windows
from .faithful_boxes import (
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
from .halves import Picture, halves
from .window import Floats, Points, Size, Window, picture_window

__all__ = [
    "EXTRA",
    "LACKS",
    "MANY",
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

NAME = "faithful"
#: What the original did not have.
LACKS = frozenset({"similarity"})
#: Values of a window from which on its channels are resized one by one.
MANY = 1 << 24


def square(size: Size, points: Floats, around: int, a: int, b: int, k: float) -> Window:
    """Edges `around` -+ k / 2 * distance(a, b), rounded, clamped, with the far edge in the slice."""
    with np.errstate(invalid="ignore", over="ignore"):  # a net gone wild; _sliced makes it empty
        half = k / 2 * np.sqrt(np.sum((points[a] - points[b]) ** 2))
    return _sliced(size, np.round(points[around] - half), np.round(points[around] + half) + 1)


def box(size: Size, x: float, y: float, width: float, height: float) -> Window:
    """A given box, rounded to whole pixels and clamped."""
    start = np.round(np.array((x, y), np.float32))
    return _sliced(size, start, np.round(np.array((x + width, y + height), np.float32)))


def _sliced(size: Size, start: Floats, stop: Floats) -> Window:
    if not (np.isfinite(start).all() and np.isfinite(stop).all()):
        return Window(0, 0, 0, 0)
    rows, columns = size
    left, top = (int(max(value, 0)) for value in start)
    # A negative end would count from the far side in Python 2 as in 3; here the window is empty.
    right, bottom = (
        int(max(min(value, limit), 0)) for value, limit in zip(stop, (columns, rows), strict=True)
    )
    return Window(left, top, max(right - left, 0), max(bottom - top, 0))


def resample(picture: Picture, window: Window, height: int, width: int, interpolation: int) -> Floats:
    """The window resized in float32: height x width x 3 in the picture's colours.

    INTER_AREA is facenet-pytorch's, the mean of whole pixels (`area_means`).
    """
    if interpolation == cv2.INTER_AREA:
        return area_means(halves(picture), window, height, width)
    image, left, top = halves(picture).image, int(window.x), int(window.y)
    part = image[top : top + int(window.height), left : left + int(window.width)]
    if part.size < MANY:
        return cv2.resize(part.astype(np.float32), (width, height), interpolation=interpolation)
    seen = np.empty((height, width, 3), np.float32)
    for channel in range(3):  # the same numbers in a third of the memory
        plane = part[..., channel].astype(np.float32)
        seen[..., channel] = cv2.resize(plane, (width, height), interpolation=interpolation)
    return seen


def resample_all(
    pictures: Sequence[Picture],
    windows: Sequence[Window],
    height: int,
    width: int,
    interpolation: int,
) -> list[Floats]:
    """`resample` of windows (n) of pictures (n)."""
    pairs = list(zip(pictures, windows, strict=True))
    if interpolation != cv2.INTER_AREA:
        return [resample(*pair, height, width, interpolation) for pair in pairs]
    found: list[Floats] = []
    for _, members in groupby(pairs, lambda pair: id(pair[0])):
        seen = list(members)
        parts = [part for _, part in seen]
        found.extend(means_of_windows(halves(seen[0][0]), parts, height, width))
    return found


def shrink(picture: Picture, height: int, width: int, interpolation: int) -> Floats:
    """All of a picture in another size, as `resample` makes it."""
    whole = picture_window(halves(picture).image.shape[:2])
    return resample(picture, whole, height, width, interpolation)


def to_picture(output: Floats, window: Window) -> Points:
    """Whole-pixel points (n, 2) in the picture out of a net's output (2n) in [-1, 1] of the window."""
    centre = ((int(window.width) - 1) // 2, (int(window.height) - 1) // 2)
    half = np.array(centre, np.float32)
    return np.round(output.reshape(-1, 2) * half + half) + np.array((window.x, window.y), np.float32)
