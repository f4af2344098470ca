"""Places of maps: what a net that is run on all of a picture says of each of its cells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import NamedTuple

import numpy as np

from protoface.converters.errors import ProtofaceError

from .. import cascade_pb2
from ..windows.levels import Level
from ..windows.window import Floats


class Map(NamedTuple):
    """Which cell a place speaks of: see MapParameter in cascade.proto."""

    cell: int
    stride: int


#: What Places have one of for each, besides points.
_EACH = ("picture", "corners", "cells", "boxes", "scores")


@dataclass(frozen=True, eq=False)
class Places:
    """Places (n) of one map, and what is known of the faces there.

    `picture` (n) are numbers of pictures. `corners` (n, 2) are x and y of each cell's first pixel in
    the level's. `boxes` (n, 4) float64 x, y, width, height in the picture are those of the faces,
    `cells` of the cells. `scores` (n) float32; `points` (n, points, 2) float32 in the picture, or None.
    """

    map: Map
    level: Level
    picture: Floats
    corners: Floats
    cells: Floats
    boxes: Floats
    scores: Floats
    points: Floats | None = None

    def __getitem__(self, chosen: Floats) -> Places:
        each = {name: getattr(self, name)[chosen] for name in _EACH}
        points = None if self.points is None else self.points[chosen]
        return replace(self, points=points, **each)

    def to_picture(self, spots: Floats) -> Floats:
        """Edges of pixels (n, ..., 2) x, y of the level as edges in the picture."""
        found: Floats = spots / np.array((self.level.scale_x, self.level.scale_y))
        return found


@dataclass(frozen=True, eq=False)
class Found:
    """Faces (n) in pictures, as a finder finds them: see Places. `level` (n) numbers level and map."""

    picture: Floats
    level: Floats
    cells: Floats
    boxes: Floats
    scores: Floats
    points: Floats

    def __len__(self) -> int:
        return len(self.scores)

    def __getitem__(self, chosen: Floats) -> Found:
        return Found(*(getattr(self, field.name)[chosen] for field in fields(self)))


def join(parts: Sequence[Places], levels: Sequence[int]) -> Found:
    """All places of several maps; `levels` numbers the level and map of each."""
    count = max((part.points.shape[1] for part in parts if part.points is not None), default=0)
    return Found(
        np.concatenate([np.zeros(0, np.intp), *(part.picture for part in parts)]),
        np.repeat(np.array(levels, np.intp), [len(part.scores) for part in parts]),
        np.concatenate([np.zeros((0, 4)), *(part.cells for part in parts)]),
        np.concatenate([np.zeros((0, 4)), *(part.boxes for part in parts)]),
        np.concatenate([np.zeros(0, np.float32), *(part.scores for part in parts)]),
        np.concatenate([np.zeros((0, count, 2), np.float32), *(_points(one, count) for one in parts)]),
    )


def _points(places: Places, count: int) -> Floats:
    if places.points is not None:
        return places.points
    return np.full((len(places.scores), count, 2), np.nan, np.float32)


def make_map(parameter: cascade_pb2.MapParameter, where: str) -> Map:
    """The map of an answer. Raises ProtofaceError beginning with `where`."""
    for name in ("cell", "stride"):
        if not 1 <= getattr(parameter, name) <= 4096:
            raise ProtofaceError(
                f"{where}: {name} of a map is {getattr(parameter, name)}, it must be 1 to 4096 pixels"
            )
    return Map(parameter.cell, parameter.stride)
