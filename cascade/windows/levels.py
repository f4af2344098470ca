"""Levels: the sizes of a picture in which a net is run on all of it."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

from protoface.converters.errors import ProtofaceError

from .. import cascade_pb2
from .window import Size

#: Levels of a picture: a pyramid by 0.709 down from 100,000 pixels has 27.
MOST_LEVELS = 100
#: Pixels of one level: an input of 0.8 GB.
MOST_PIXELS = 1 << 26
#: A picture by which a file's factor is judged before there are pictures: (rows, columns).
USUAL: Size = (480, 640)


class Level(NamedTuple):
    """A picture in one size of `rows` and `columns`; `scale_x` and `scale_y` of its pixels to one.

    `height` and `width` are those of the net's input, which is black where the level ends.
    """

    rows: int
    columns: int
    scale_x: float
    scale_y: float
    height: int = 0
    width: int = 0


class Levels:
    """Which levels a picture has; see PictureWindow in cascade.proto.

    `make` is a mode's `level`. Raises ProtofaceError for what makes no levels.
    """

    def __init__(
        self, parameter: cascade_pb2.PictureWindow, make: Callable[[Size, float], Level]
    ) -> None:
        self.cell, self.multiple = parameter.cell, parameter.multiple
        self.least_face = parameter.least_face if parameter.HasField("least_face") else None
        self.longest = parameter.longest if parameter.HasField("longest") else None
        self.factor = parameter.factor if parameter.HasField("factor") else None
        self._make = make
        self._check()

    def _check(self) -> None:
        if not 1 <= self.cell <= 4096:
            raise ProtofaceError(f"cell is {self.cell}, it must be 1 to 4096 pixels")
        if not 1 <= self.multiple <= 4096:
            raise ProtofaceError(f"multiple is {self.multiple}, it must be 1 to 4096 pixels")
        if self.longest is not None and self.longest < self.cell:
            raise ProtofaceError(f"longest is {self.longest}, less than a cell of {self.cell} pixels")
        if self.least_face is not None and not 1 <= self.least_face < math.inf:
            raise ProtofaceError(f"least_face is {self.least_face:g}, it must be 1 pixel or more")
        if self.factor is not None and not 0 < self.factor < 1:
            raise ProtofaceError(f"factor is {self.factor:g}, it must be above 0 and below 1")
        self._scales(USUAL)

    def look_for(self, least_face: float) -> None:
        """Look for faces of that side in pixels and more. Raises ProtofaceError for what is no side."""
        self.least_face = least_face
        self._check()

    def of(self, size: Size) -> list[Level]:
        """The levels of a picture, the largest first; none of one that is smaller than a cell there.

        Raises ProtofaceError for more or larger ones than can be.
        """
        return [self._filled(self._make(size, scale), size) for scale in self._scales(size)]

    @property
    def usual_pixels(self) -> int:
        """Of the first level of a usual picture."""
        return round(USUAL[0] * USUAL[1] * self._first(USUAL) ** 2)

    def _first(self, size: Size) -> float:
        if self.least_face is not None:
            return self.cell / self.least_face
        return 1.0 if self.longest is None else min(1.0, self.longest / max(size))

    def _scales(self, size: Size) -> list[float]:
        """Multiplied up from level to level, as facenet-pytorch does: a rounding may make a level."""
        scale = self._first(size)
        shorter, scales = min(size) * scale, []
        while shorter >= self.cell:
            scales.append(scale)
            if self.factor is None:
                break
            if len(scales) > MOST_LEVELS:
                raise ProtofaceError(
                    f"factor {self.factor:g} makes more than {MOST_LEVELS} levels of a picture of "
                    f"{size[1]} x {size[0]} pixels; take a smaller one"
                )
            scale, shorter = scale * self.factor, shorter * self.factor
        return scales

    def _filled(self, level: Level, size: Size) -> Level:
        """The level with the size of the net's input."""
        height, width = (
            math.ceil(side / self.multiple) * self.multiple for side in (level.rows, level.columns)
        )
        if height * width > MOST_PIXELS:
            raise ProtofaceError(
                f"a picture of {size[1]} x {size[0]} pixels becomes an input of {width} x {height}, "
                f"more than {MOST_PIXELS:,} pixels; ask for larger faces (least_face)"
            )
        return level._replace(height=height, width=width)


def make_levels(
    parameter: cascade_pb2.PictureWindow, make: Callable[[Size, float], Level]
) -> Levels | None:
    """The levels of a picture window; None if it sets nothing: then it is looked at in one piece."""
    return Levels(parameter, make) if parameter.ListFields() else None
