"""Resizing by means of whole pixels: PyTorch's `interpolate(mode="area")`, which facenet-pytorch uses.

Pixel i of n is the mean of the pixels from floor(i * size / n) up to ceil((i + 1) * size / n): no pixel
counts in part, and where it enlarges, pixels repeat. Source: PyTorch, adaptive_avg_pool2d.
"""

from __future__ import annotations

from collections.abc import Sequence
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


def means_of_windows(
    picture: Halves, windows: Sequence[Window], height: int, width: int
) -> NDArray[np.float32]:
    """`area_means` of small windows (n) of one picture, all at once: (n, height, width, 3)."""
    across = [_ends(int(window.width), width) for window in windows]
    down = [_ends(int(window.height), height) for window in windows]
    left, top = np.array([(window.x, window.y) for window in windows], np.intp).T[:, :, None]
    first, last = np.array(across, np.intp).swapaxes(0, 1) + left
    upper, lower = np.array(down, np.intp).swapaxes(0, 1) + top
    sums = picture.sums.reshape(-1, 3)
    columns = picture.sums.shape[1]

    def above(rows: Indices, ends: Indices) -> NDArray[np.int32]:
        """The sums above and left of so many (n, height) rows and (n, width) columns."""
        found: NDArray[np.int32] = sums.take((rows * columns)[:, :, None] + ends[:, None], 0)
        return found

    means = above(lower, last)
    means -= above(lower, first)
    means -= above(upper, last)
    means += above(upper, first)
    found = means.astype(np.float32)
    found /= (lower - upper)[:, :, None, None].astype(np.float32)
    found /= (last - first)[:, None, :, None].astype(np.float32)
    return found


@lru_cache(maxsize=1024)
def _ends(size: int, count: int) -> tuple[Indices, Indices]:
    """Of each of `count` pixels the first of `size` pixels that it covers, and that behind the last."""
    numbers = np.arange(count)
    return numbers * size // count, -(-(numbers + 1) * size // count)
