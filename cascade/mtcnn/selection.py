"""Which of several faces is meant: facenet-pytorch's selection methods.

Boxes are (n, 4) x1, y1, x2, y2 in pixels, scores (n) 0 to 1.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from protoface.converters.errors import ProtofaceError

from ..windows.window import Floats

Order = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Faces:
    """The faces of a picture of `size` (width, height), and the numbers of two of the methods."""

    boxes: Floats
    scores: Floats
    size: tuple[int, int]
    threshold: float = 0.9
    center_weight: float = 2.0


def descending(values: Floats) -> Order:
    """Indices (n) of values (n), the largest first; of equal ones the last first."""
    order: Order = np.argsort(values)[::-1]
    return order


def areas(boxes: Floats) -> Floats:
    """Areas (n) of boxes."""
    found: Floats = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    return found


def _largest(faces: Faces) -> Order:
    return descending(areas(faces.boxes))


def _probability(faces: Faces) -> Order:
    return descending(faces.scores)


def _largest_over_threshold(faces: Faces) -> Order:
    (likely,) = np.nonzero(faces.scores > faces.threshold)
    return likely[descending(areas(faces.boxes[likely]))]


def _center_weighted_size(faces: Faces) -> Order:
    centres = (faces.boxes[:, :2] + faces.boxes[:, 2:]) / 2
    away = np.square(centres - np.array(faces.size) / 2).sum(1)
    return descending(areas(faces.boxes) - away * faces.center_weight)


#: Method -> indices of the faces that count, the best first.
METHODS: dict[str, Callable[[Faces], Order]] = {
    "largest": _largest,
    "probability": _probability,
    "largest_over_threshold": _largest_over_threshold,
    "center_weighted_size": _center_weighted_size,
}


def best(faces: Faces, method: str) -> Order:
    """The index (1) of the face that a method chooses; none (0) where none counts.

    Raises ProtofaceError for an unknown method.
    """
    return METHODS[check_method(method)](faces)[:1]


def check_method(method: str) -> str:
    """The name of a method. Raises ProtofaceError for an unknown one."""
    if method not in METHODS:
        raise ProtofaceError(f"selection method '{method}' is unknown; there are {', '.join(METHODS)}")
    return method
