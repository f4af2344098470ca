"""The faces of many pictures in one table, and how windows overlap them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from .face_scene import POINTS, Floats, Scene

Indices = NDArray[np.int64]
#: What a window is: a face, a part of one, none, or nothing that is trained on.
POSITIVE, PART, NEGATIVE, NEITHER = 1, -1, 0, -2


@dataclass(frozen=True)
class Limits:
    """Overlaps from which on a window is positive or a part, and below which it is negative."""

    positive: float = 0.65
    part: float = 0.4
    negative: float = 0.3


@dataclass(frozen=True, eq=False)
class Judged:
    """What windows (n) are: `kinds` (n), `faces` (n) that they overlap most, or -1, and how much."""

    kinds: Indices
    faces: Indices
    overlaps: Floats


@dataclass(frozen=True, eq=False)
class FaceTable:
    """The faces (m) of pictures (p), one picture after the other.

    `boxes` (m, 4), `points` (m, 5, 2) and `ignored` (m) are as in `Scene`. Picture k has the faces
    `starts[k]` to `starts[k + 1]`.
    """

    boxes: Floats
    points: Floats
    ignored: NDArray[np.bool_]
    starts: Indices

    @cached_property
    def picture(self) -> Indices:
        """The picture (m) of each face."""
        return np.repeat(np.arange(len(self.starts) - 1), np.diff(self.starts))

    def pairs(self, pictures: Indices) -> tuple[Indices, Indices]:
        """All pairs of a window (k), given the picture (n) of each, and a face (k) of that picture."""
        counts = np.diff(self.starts)[pictures]
        ends = counts.cumsum()
        windows = np.repeat(np.arange(len(pictures)), counts)
        first = np.repeat(self.starts[pictures] - (ends - counts), counts)
        return windows, first + np.arange(counts.sum())

    def judge(self, pictures: Indices, windows: Floats, limits: Limits) -> Judged:
        """What windows (n, 4), x y width height, of pictures (n) are.

        By intersection over union with the faces that count. Where a face that is ignored and a window
        share `limits.negative` of the smaller one it is not negative.
        """
        window, face = self.pairs(pictures)
        shared, sizes, others = _shared(windows[window], self.boxes[face])
        overlap = shared / np.maximum(sizes + others - shared, 1e-9)
        ignored = self.ignored[face]
        covered = ignored & (shared >= limits.negative * np.maximum(np.minimum(sizes, others), 1e-9))
        overlap[ignored] = 0
        best, owner = np.zeros(len(windows)), np.full(len(windows), -1)
        # of those assigned the last one stays: the greatest overlap, of equal ones the first face
        order = np.lexsort((-face, overlap, window))
        order = order[overlap[order] > 0]
        best[window[order]], owner[window[order]] = overlap[order], face[order]
        kinds = np.full(len(windows), NEITHER)
        kinds[best < limits.negative] = NEGATIVE
        kinds[window[covered]] = NEITHER
        kinds[best >= limits.part] = PART
        kinds[best >= limits.positive] = POSITIVE
        return Judged(kinds, owner, best)


def make_table(scenes: Sequence[Scene]) -> FaceTable:
    """The faces of scenes in their order."""
    return FaceTable(
        np.concatenate([np.zeros((0, 4)), *(scene.boxes for scene in scenes)]),
        np.concatenate([np.zeros((0, POINTS, 2)), *(scene.points for scene in scenes)]),
        np.concatenate([np.zeros(0, np.bool_), *(scene.ignored for scene in scenes)]),
        np.cumsum([0, *map(len, scenes)]),
    )


def shares(windows: Floats, boxes: Floats) -> Floats:
    """Intersection over union (...) of boxes (..., 4) of x, y, width, height."""
    shared, sizes, others = _shared(windows, boxes)
    return np.asarray(shared / np.maximum(sizes + others - shared, 1e-9))


def _shared(windows: Floats, boxes: Floats) -> tuple[Floats, Floats, Floats]:
    """Areas: of the intersections, of the windows and of the boxes."""
    ends = np.minimum(windows[..., :2] + windows[..., 2:], boxes[..., :2] + boxes[..., 2:])
    sides = np.clip(ends - np.maximum(windows[..., :2], boxes[..., :2]), 0, None)
    return sides.prod(-1), windows[..., 2:].prod(-1), boxes[..., 2:].prod(-1)
