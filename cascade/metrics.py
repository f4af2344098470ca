"""Errors of landmarks: distances between points, divided by a length that has a name: its normaliser.

Errors are fractions (0.05, not 5). Source: NME as in the 300-W challenge (Sagonas et al., 2016), the
image diagonal as in the original experiment. Distances between points of a face are its layout's.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[Any]


def point_errors(predicted: Floats, truth: Floats) -> Floats:
    """Distances between points (..., points, 2) in pixels: (..., points)."""
    return np.asarray(np.linalg.norm(np.asarray(predicted, np.float64) - truth, axis=-1))


def nme(predicted: Floats, truth: Floats, length: float | Floats) -> Floats:
    """Normalised mean error: mean distance between points, divided by `length`.

    `predicted` and `truth` are (..., points, 2) in pixels, `length` (...) pixels, the result (...).
    """
    return np.asarray(point_errors(predicted, truth).mean(-1) / length)


def image_diagonal(width: float | Floats, height: float | Floats) -> Floats:
    """Length of a picture's or a window's diagonal in pixels."""
    return np.asarray(np.hypot(width, height))
