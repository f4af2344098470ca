"""Windows: the part of a picture that a stage looks at, and the points that it finds there.

The convention (docs/conventions.md draws it): the pixel in column c and row r has its centre at (x, y)
= (c, r). A window (x, y, width, height) has its first pixel's centre at (x, y) and covers `width`
x `height` pixels, so with whole numbers it is the slice [y : y + height, x : x + width]. A net's output
-1 is the centre of the window's first pixel, +1 that of its last one. A window may be turned about its
centre, by `angle` degrees clockwise as one sees the picture: its rows then run along (cos, sin).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
Points = NDArray[np.float32]
Floats = NDArray[Any]


@dataclass(frozen=True)
class Window:
    """A rectangle of a picture in pixels, sub-pixel in clean mode; the module has the convention.

    `patches`, if there are any, are what a net of patches looks through, one for each point.
    """

    x: float
    y: float
    width: float
    height: float
    angle: float = 0
    patches: tuple[Window, ...] = ()

    @property
    def empty(self) -> bool:
        """Whether it covers less than one pixel: too little to look at."""
        return not (self.width >= 1 and self.height >= 1)

    @property
    def centre(self) -> tuple[float, float]:
        """(x, y) in pixels, of a turned window too."""
        return self.x + (self.width - 1) / 2, self.y + (self.height - 1) / 2

    @property
    def direction(self) -> tuple[float, float]:
        """The way that its rows run: (cos, sin) of its angle."""
        turn = math.radians(self.angle)
        return math.cos(turn), math.sin(turn)

    def tolist(self) -> list[float]:
        """[x, y, width, height], and the angle of a window that is turned."""
        values = [self.x, self.y, self.width, self.height]
        return [float(value) for value in (values + [self.angle] if self.angle else values)]


#: What a stage gets that has nothing to look at.
NOTHING = Window(0, 0, 0, 0)


def centred(cx: float, cy: float, side: float, angle: float = 0) -> Window:
    """The square window of a centre and a side, all in pixels."""
    offset = (side - 1) / 2
    return Window(cx - offset, cy - offset, side, side, angle)


def picture_window(image: Image) -> Window:
    """The whole picture."""
    height, width = image.shape[:2]
    return Window(0, 0, width, height)
