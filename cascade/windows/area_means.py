"""Resizing by means of whole pixels: PyTorch's `interpolate(mode="area")`, which facenet-pytorch uses.

Pixel i of n is the mean of the pixels from floor(i * size / n) up to ceil((i + 1) * size / n): no pixel
counts in part, and where it enlarges, pixels repeat. Source: PyTorch, adaptive_avg_pool2d.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from .halves import Halves
from .window import Window

Indices = NDArray[np.intp]
#: Sums of a block of rows, so that a large picture takes no more memory at once.
BLOCK = 1 << 20


def area_means(picture: Halves, window: Window, height: int, width: int) -> NDArray[np.float32]:
    """The window (whole pixels, in the picture), height x width x 3 float32.

    By sums over the picture, which all its windows share. They are exact: what overflows is taken off
    again.
    """
    left, top = int(window.x), int(window.y)
    columns, rows = int(window.width), int(window.height)
    sums = picture.sums[top : top + rows + 1, left : left + columns + 1]
    upper, lower = _ends(rows, height)
    first, last = _ends(columns, width)
    means = np.empty((height, width, 3), np.float32)
    at_once = max(1, BLOCK // (3 * columns))
    for start in range(0, height, at_once):
        part = slice(start, start + at_once)
        bands = sums[lower[part]] - sums[upper[part]]
        means[part] = bands.take(last, 1) - bands.take(first, 1)
    means /= (lower - upper)[:, None, None].astype(np.float32)
    means /= (last - first)[:, None].astype(np.float32)
    return means


@lru_cache(maxsize=1024)
def _ends(size: int, count: int) -> tuple[Indices, Indices]:
    """Of each of `count` pixels the first of `size` pixels that it covers, and that behind the last."""
    numbers = np.arange(count)
    return numbers * size // count, -(-(numbers + 1) * size // count)
