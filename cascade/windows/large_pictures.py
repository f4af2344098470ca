"""Sampling of pictures that are too large for OpenCV, which has 16 bits for a place in a picture."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from .window import Image

#: Sides that OpenCV can sample from, and places beyond a picture that it can look at, in pixels.
SIDE = 2**15 - 2
#: Pixels around a place that any interpolation asks for, on one axis: those at -1, 0, 1 and 2.
_TAPS = np.arange(-1, 3)


def gather(
    image: Image,
    rule: NDArray[np.float64],
    height: int,
    width: int,
    interpolation: int,
    black: bool = False,
) -> Image:
    """As cv2.warpAffine with BORDER_REPLICATE, for a picture of any size: (height, width, 3) uint8.

    `rule` (2, 3) leads from (column, row, 1) of the result to (x, y) in the picture. Only the pixels
    around each place are looked at: copied side by side they are a small picture to sample from.
    `black`: those beyond the picture are black, as with BORDER_CONSTANT.
    """
    rows, columns = image.shape[:2]
    c, r = np.meshgrid(np.arange(width), np.arange(height))
    x = np.clip(rule[0, 0] * c + rule[0, 1] * r + rule[0, 2], -2, columns + 1)
    y = np.clip(rule[1, 0] * c + rule[1, 1] * r + rule[1, 2], -2, rows + 1)
    left, top = np.floor(x).astype(np.int64), np.floor(y).astype(np.int64)
    across = np.clip(left[..., None] + _TAPS, 0, columns - 1)
    down = np.clip(top[..., None] + _TAPS, 0, rows - 1)
    patches = image[down[:, :, :, None], across[:, :, None, :]]  # (height, width, 4, 4, 3)
    if black:
        patches[down != top[..., None] + _TAPS] = 0
        patches.swapaxes(2, 3)[across != left[..., None] + _TAPS] = 0
    small = patches.transpose(0, 2, 1, 3, 4).reshape(4 * height, 4 * width, 3)
    map_x, map_y = (4 * c + 1 + x - left).astype(np.float32), (4 * r + 1 + y - top).astype(np.float32)
    return cv2.remap(small, map_x, map_y, interpolation)  # type: ignore[no-any-return]
