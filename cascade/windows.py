"""Windows: the part of a picture that a stage looks at, and the points that it finds there.

The convention (docs/conventions.md draws it): the pixel in column c and row r has its centre at (x, y)
= (c, r). A window (x, y, width, height) has its first pixel's centre at (x, y) and covers `width`
x `height` pixels, so with whole numbers it is the slice [y : y + height, x : x + width]. A net's output
-1 is the centre of the window's first pixel, +1 that of its last one.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
Points = NDArray[np.float32]
Floats = NDArray[Any]


@dataclass(frozen=True)
class Window:
    """A rectangle of a picture in pixels, sub-pixel in clean mode; the module has the convention."""

    x: float
    y: float
    width: float
    height: float

    @property
    def empty(self) -> bool:
        """Whether it covers less than one pixel: too little to look at."""
        return not (self.width >= 1 and self.height >= 1)

    def tolist(self) -> list[float]:
        """[x, y, width, height]."""
        return [float(value) for value in astuple(self)]


def picture_window(image: Image) -> Window:
    """The whole picture."""
    height, width = image.shape[:2]
    return Window(0, 0, width, height)
