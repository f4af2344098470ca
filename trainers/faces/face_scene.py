"""A picture and the faces in it."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
#: Points of a face: those of the layout celeba5.
POINTS = 5


@dataclass(frozen=True, eq=False)
class Scene:
    """A picture with n faces.

    `boxes` (n, 4) are x, y, width, height in pixels, from the edge of the first pixel. `points` (n, 5,
    2) are celeba5's in pixels, from the first pixel's centre; NaN where a face has none. `ignored` (n):
    such a face counts neither as a face nor as background. `complete`: all faces are known; if not,
    only the surroundings of those that are known can be trusted to show no other.
    """

    path: Path
    boxes: Floats = field(default_factory=lambda: np.zeros((0, 4)))
    points: Floats = field(default_factory=lambda: np.zeros((0, POINTS, 2)))
    ignored: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, np.bool_))
    complete: bool = True

    def __len__(self) -> int:
        return len(self.boxes)


def set_aside(name: str, share: float) -> bool:
    """Whether a picture of this name is among the `share` (0 .. 1) that is kept from training.

    The same pictures whatever else there is: those with a CRC-32 of the name in the lowest part of its
    range.
    """
    return zlib.crc32(name.encode()) < share * 2**32
