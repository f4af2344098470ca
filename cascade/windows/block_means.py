"""Means of blocks that reach far beyond a picture, as they do beyond one of a single row.

A block may be as high as a window that is a thousand times as high as its picture: the repeated edge is
counted, not copied, so the pixels of the picture are all that costs time and memory.
"""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np

from .window import Floats, Image

Ends = tuple[int, int]


def weighed_means(image: Image, across: Ends, down: Ends, fx: int, fy: int) -> Image:
    """The mean of each block of fy x fx pixels between two columns and two rows, uint8.

    Beyond the picture (rows, columns, 3) its edge is repeated.
    """
    rows, columns = image.shape[:2]
    wide, high = (across[1] - across[0]) // fx, (down[1] - down[0]) // fy
    # first the axis that leaves fewer numbers
    order = sorted([(high * columns, 0, down, fy), (wide * rows, 1, across, fx)])
    means: Floats = image
    for _, axis, ends, factor in order:
        means = np.concatenate(list(_axis_means(means, axis, ends, factor)), axis=axis)
    return np.rint(means).astype(np.uint8)


def _axis_means(pixels: Floats, axis: int, ends: Ends, factor: int) -> Iterator[Floats]:
    """The means of one block after the other along one axis, float64."""
    length = pixels.shape[axis]
    for start in range(*ends, factor):
        stop = start + factor
        before, behind = max(min(stop, 0) - start, 0), max(stop - max(start, length), 0)
        total = before * _part(pixels, axis, 0, 1).astype(np.float64)
        total += behind * _part(pixels, axis, length - 1, length).astype(np.float64)
        first, last = max(start, 0), min(stop, length)
        if first < last:
            part = _part(pixels, axis, first, last)
            total += cv2.reduce(part, axis, cv2.REDUCE_SUM, dtype=cv2.CV_64F)
        yield total / factor


def _part(pixels: Floats, axis: int, first: int, last: int) -> Floats:
    return pixels[first:last] if axis == 0 else pixels[:, first:last]
