"""A face: the result of a cascade, and the state of one between stages."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from protoface.converters.errors import ProtofaceError

from .windows.window import Box, Floats, Points, Size, Window

#: What a stage has found that finds no points.
NO_POINTS: Points = np.zeros((0, 2), np.float32)
#: Name -> numbers that a stage has answered for later ones.
Features = Mapping[str, Floats]
NO_FEATURES: Features = MappingProxyType({})


@dataclass(frozen=True, eq=False)
class Face:
    """One face of a picture; all places are in its pixels (x, y), the convention is that of windows.

    `box` (4) float64 is x, y, width, height: the one that was given or found, else the bounds of the
    points. `score` says how likely it is a face, 0 to 1; NaN where no stage says. `points` (n, 2)
    float32 are the final ones, in the order of the cascade's layout; `stages` holds those of every
    stage, the final ones last, and `windows` what each stage looked at. A stage whose window holds less
    than a pixel leaves the points as they were. `id` tells the faces of a video apart; None in a single
    picture.
    """

    box: Box
    score: float
    points: Points
    stages: tuple[Points, ...] = ()
    windows: tuple[Window, ...] = ()
    id: int | None = None


class Candidate(NamedTuple):
    """A face between two stages; see `Face`. A tuple: every stage makes new ones.

    `picture` is the index of its picture, `size` that one's (rows, columns). `box` is None where none
    was given or found, `points` where no stage has found any: then the whole picture is the candidate.
    `features` are what stages have answered for later ones, by name.
    """

    picture: int
    size: Size
    box: Box | None = None
    score: float = math.nan
    points: Points | None = None
    stages: tuple[Points, ...] = ()
    windows: tuple[Window, ...] = ()
    id: int | None = None
    features: Features = NO_FEATURES

    def at(self, points: Points) -> Candidate:
        """The same with other points."""
        picture, size, box, score, _, stages, windows, number, features = self
        return Candidate(picture, size, box, score, points, stages, windows, number, features)

    def seen(self, window: Window) -> Candidate:
        """The same after a stage that looked through a window: its points become those of the stage."""
        picture, size, box, score, points, stages, windows, number, features = self
        stages = (*stages, NO_POINTS if points is None else points)
        windows = (*windows, window)
        return Candidate(picture, size, box, score, points, stages, windows, number, features)

    def face(self) -> Face:
        """The resulting face."""
        points = NO_POINTS if self.points is None else self.points
        box = bounds(points) if self.box is None else self.box
        return Face(box, self.score, points, self.stages, self.windows, self.id)


def bounds(points: Points) -> Box:
    """The box (4) around points (n, 2): x, y, width, height; a single point covers one pixel.

    NaN without points, and where one is no number.
    """
    if not len(points):
        return np.full(4, math.nan)
    xs, ys = points.T.tolist()  # for so few, plain numbers are faster than arrays
    if not math.isfinite(sum(xs) + sum(ys)):
        return np.full(4, math.nan)
    left, top = min(xs), min(ys)
    return np.array((left, top, max(xs) - left + 1, max(ys) - top + 1))


def given_boxes(boxes: ArrayLike) -> Sequence[Box]:
    """Boxes as an array (n, 4) of x, y, width, height. Raises ProtofaceError for anything else."""
    array = np.asarray(boxes, np.float64)
    if array.size == 0:
        return list(array.reshape(0, 4))
    if array.ndim != 2 or array.shape[1] != 4 or not np.isfinite(array).all():
        raise ProtofaceError(f"boxes must be finite (n, 4) of x, y, width, height, not {array.shape}")
    return list(array)
