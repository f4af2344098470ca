"""Windows: the part of a picture that a stage looks at, and the points that it finds there.

The convention (docs/conventions.md draws it): the pixel in column c and row r has its centre at (x, y)
= (c, r). A window (x, y, width, height) has its first pixel's centre at (x, y) and covers `width`
x `height` pixels, so with whole numbers it is the slice [y : y + height, x : x + width]. A net's output
-1 is the centre of the window's first pixel, +1 that of its last one. A window may be turned about its
centre, by `angle` degrees clockwise as one sees the picture: its rows then run along (cos, sin).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import Any

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
#: Rows and columns of a picture: all that the rules of windows ask of it.
Size = tuple[int, int]
Box = NDArray[np.float64]
Points = NDArray[np.float32]
Floats = NDArray[Any]


@dataclass(frozen=True)
class Window:
    """A rectangle of a picture in pixels, sub-pixel in clean mode; the module has the convention.

    `patches`, if there are any, are what a net of patches looks through, one for each point. `black`:
    beyond the picture it shows black, else the picture's edge repeated. `frame`: what the answers are
    relative to, if that is not the window itself.
    """

    x: float
    y: float
    width: float
    height: float
    angle: float = 0
    patches: tuple[Window, ...] = ()
    black: bool = False
    frame: Window | None = None

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
        if not self.angle:
            return 1.0, 0.0
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


def picture_window(size: Size) -> Window:
    """The whole picture."""
    rows, columns = size
    return Window(0, 0, columns, rows)


def shown_boxes(windows: Sequence[Window]) -> NDArray[np.float64]:
    """X, y, width, height (n, 4) of windows (n), or of their frames."""
    seen = [window.frame or window for window in windows]
    sides = [(one.x, one.y, one.width, one.height) for one in seen]
    return np.array(sides, np.float64).reshape(-1, 4)


def to_picture(output: Floats, window: Window) -> Points:
    """Points (n, 2) in the picture of a net's output (2n) in [-1, 1] of the window or its patches."""
    part = window.patches[0] if window.patches else window
    (cos, sin), half_width, half_height = window.direction, (part.width - 1) / 2, (part.height - 1) / 2
    # for so few, plain numbers are faster than arrays
    across, down = (half_width * cos, half_width * sin), (-half_height * sin, half_height * cos)
    centres = [patch.centre for patch in window.patches] or repeat(window.centre)
    numbers = output.ravel().tolist()
    points = [
        (x + u * across[0] + v * down[0], y + u * across[1] + v * down[1])
        for u, v, (x, y) in zip(numbers[::2], numbers[1::2], centres, strict=False)
    ]
    return np.array(points, np.float32)


def to_window(points: Floats, window: Window) -> NDArray[np.float64]:
    """The inverse of `to_picture`: what a net would have to answer, (n, 2) in [-1, 1]."""
    part = window.patches[0] if window.patches else window
    centres = np.array([patch.centre for patch in window.patches] or window.centre)
    cos, sin = window.direction
    turned: NDArray[np.float64] = (points - centres) @ np.array([[cos, -sin], [sin, cos]])
    return turned / ((part.width - 1) / 2, (part.height - 1) / 2)
