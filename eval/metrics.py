"""Errors of landmarks. Every error here is divided by a length that the caller names."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[Any]


def nme(predicted: Floats, truth: Floats, length: float | Floats) -> Floats:
    """Normalised mean error: mean distance between points, divided by `length`.

    `predicted` and `truth` are (..., points, 2) in pixels, `length` (...) pixels; the result (...) is a
    fraction (0.05, not 5). Name the normaliser where you print it.
    """
    distance = np.linalg.norm(np.asarray(predicted, np.float64) - truth, axis=-1)
    return np.asarray(distance.mean(-1) / length)


def image_diagonal(width: float | Floats, height: float | Floats) -> Floats:
    """Length of a picture's diagonal in pixels, the normaliser of the original experiment."""
    return np.asarray(np.hypot(width, height))


def inter_ocular(truth: Floats, left_eye: int = 0, right_eye: int = 1) -> Floats:
    """Distance between the eyes of `truth` (..., points, 2) in pixels; can be 0 on CelebA."""
    return np.asarray(np.linalg.norm(truth[..., left_eye, :] - truth[..., right_eye, :], axis=-1))
