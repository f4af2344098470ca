"""Which of the faces that were found in a picture is the annotated one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from protoface.cascade.face import Face, bounds

Floats = NDArray[Any]


def annotated_face(faces: Sequence[Face], truth: Floats, box: Floats | None = None) -> Face | None:
    """The found face whose centre is nearest to that of the annotated box; None: it was not found.

    The centre of a face is the mean of its points. The box (4) is x, y, width, height; without one
    (None or NaN) it is the bounds of `truth` (points, 2). The centre must lie in the box, so that a
    finder is not measured at another person's face. That is not asked of a face without a score: its
    finder answers for every picture, whatever it shows, and its answer counts wherever it lies. How
    well the points fit does not decide: that is what is measured.
    """
    x, y, width, height = bounds(truth) if box is None or not np.isfinite(box).all() else box
    centre = (x + (width - 1) / 2, y + (height - 1) / 2)
    found = min(faces, key=lambda face: math.dist(_centre(face), centre), default=None)
    if found is None or math.isnan(found.score):
        return found
    across, down = np.abs(np.subtract(_centre(found), centre)).tolist()
    return found if across <= width / 2 and down <= height / 2 else None


def _centre(face: Face) -> tuple[float, float]:
    """The mean of the points, or of the box without any; far away where they are not finite."""
    left, top, width, height = face.box
    corners = np.array([(left, top), (left + width - 1, top + height - 1)])
    x, y = np.asarray(face.points if len(face.points) else corners, np.float64).mean(axis=0).tolist()
    return (x, y) if math.isfinite(x + y) else (math.inf, math.inf)
