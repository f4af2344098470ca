"""Clean mode: sub-pixel windows, one convention at every level, and as fast as it can be."""

from __future__ import annotations

import math

import cv2
import numpy as np

from .windows import Floats, Image, Points, Window


def square(image: Image, points: Points, around: int, a: int, b: int, k: float) -> Window:
    """The square of side k * distance(a, b), clipped; `around`, `a` and `b` are indices of points."""
    numbers = points.tolist()  # for so few, plain numbers are faster than arrays
    side = k * math.dist(numbers[a], numbers[b])
    x, y = numbers[around]
    offset = (side - 1) / 2
    return clip(image, x - offset, y - offset, side, side)


def box(image: Image, x: float, y: float, width: float, height: float) -> Window:
    """A given box, clipped to the picture."""
    return clip(image, x, y, width, height)


def clip(image: Image, x: float, y: float, width: float, height: float) -> Window:
    """The part of a rectangle that lies in the picture; empty (width or height 0) if none does.

    Clipped, not padded: the published nets were trained on clipped windows, and on real faces they are
    better for it.
    """
    rows, columns = image.shape[:2]
    left, top = max(x, 0.0), max(y, 0.0)
    right, bottom = min(x + width, columns), min(y + height, rows)
    if not math.isfinite(left + top + right + bottom):
        return Window(0, 0, 0, 0)
    return Window(left, top, max(right - left, 0.0), max(bottom - top, 0.0))


def resample(image: Image, window: Window, height: int, width: int, interpolation: int) -> Image:
    """The window, height x width x 3 uint8 in the picture's colours; `interpolation` is OpenCV's."""
    rows, columns = image.shape[:2]
    if window.width == columns and window.height == rows:
        return cv2.resize(image, (width, height), interpolation=interpolation)  # type: ignore[return-value]
    sx, sy = window.width / width, window.height / height
    # The same mapping as cv2.resize: the outer edges of both pixel grids coincide.
    matrix = np.array([[sx, 0, window.x + sx / 2 - 0.5], [0, sy, window.y + sy / 2 - 0.5]])
    flags = interpolation | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(  # type: ignore[return-value]
        image, matrix, (width, height), flags=flags, borderMode=cv2.BORDER_REPLICATE
    )


def place(output: Floats, window: Window) -> Points:
    """Points (n, 2) in the picture out of a net's output (2n) in [-1, 1] of the window."""
    x, y = (window.width - 1) / 2, (window.height - 1) / 2
    points: Points = output.reshape(-1, 2) * np.array((x, y), np.float32)
    points += np.array((window.x + x, window.y + y), np.float32)
    return points
