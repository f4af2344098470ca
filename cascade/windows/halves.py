"""A picture and its halves, which all windows of all stages share."""

from __future__ import annotations

import math
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from .window import Image

#: What halves leave to be shrunk by sampling, at most: 0.75 to 1.5 times. Decided on net7876 val, where
#: 1 to 2 times is 0.1 percentage points worse.
LEFT = 1.5
#: Columns that OpenCV halves at once: for each it keeps a table of 12 bytes. An even number.
WIDE = 1 << 20


class Halves:
    """A picture (rows, columns, 3) uint8 and its halves: means of 2 x 2 pixels, of 4 x 4 and so on.

    They are made when they are first needed, as the sums are. The last column and row of an odd number
    of them are repeated, so a half covers all of its picture. For one thread at a time.
    """

    def __init__(self, image: Image) -> None:
        self.image = image
        self._made = {(0, 0): image}

    @cached_property
    def sums(self) -> NDArray[np.int32]:
        """Sums of all values above and left of each pixel (rows + 1, columns + 1, 3), modulo 2^32."""
        return cv2.integral(self.image, sdepth=cv2.CV_32S)  # type: ignore[return-value]

    def half(self, across: int, down: int) -> Image:
        """The picture after so many halvings of its columns and rows; pixel i holds i * 2^n and on.

        Both axes are halved together first, then the one that is left.
        """
        made = self._made.get((across, down))
        if made is None:
            x, y = int(across >= down), int(down >= across)
            made = _halved(self.half(across - x, down - y), 1 + x, 1 + y)
            self._made[across, down] = made
        return made


#: A picture, with its halves or without.
Picture = Image | Halves


def halves(image: Picture) -> Halves:
    """A picture with its halves, those that it has already if it is one of them."""
    return image if isinstance(image, Halves) else Halves(image)


def halvings(scale: float) -> int:
    """How often a picture is halved that is to be shrunk `scale` times: what is left is below LEFT."""
    return max(0, math.frexp(scale * (2 / LEFT))[1] - 1)


def _halved(image: Image, fx: int, fy: int) -> Image:
    """The means of each fy x fx pixels, which are 1 or 2; OpenCV is quick at whole halves alone."""
    rows, columns = image.shape[:2]
    fx, fy = min(fx, columns), min(fy, rows)  # a single row is its own half
    for axis, odd in ((0, rows % fy), (1, columns % fx)):
        if odd:
            body, edge = np.split(image, [image.shape[axis] - 1], axis)
            parts = _halved(body, fx, fy), _halved(np.repeat(edge, 2, axis), fx, fy)
            return np.concatenate(parts, axis)
    if columns > WIDE:
        half = np.empty((rows // fy, columns // fx, 3), np.uint8)
        for start in range(0, columns, WIDE):
            half[:, start // fx : (start + WIDE) // fx] = _halved(
                image[:, start : start + WIDE], fx, fy
            )
        return half
    size = columns // fx, rows // fy
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA)  # type: ignore[return-value]
