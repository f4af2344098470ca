"""Faces turned upright: five points are carried to where recognition nets expect them.

Source of the places: ArcFace (insightface, face_align.py), for which most recognition nets are trained.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from protoface.converters.errors import ProtofaceError

from .windows.window import Floats, Image

#: Pixels of the side of the square that PLACES are in.
SIDE = 112
#: Left eye, right eye, nose, left and right corner of the mouth: x and y in that square.
PLACES = np.array(
    (
        (38.2946, 51.6963),
        (73.5318, 51.5014),
        (56.0252, 71.7366),
        (41.5493, 92.3655),
        (70.7299, 92.2041),
    )
)


def alignment(points: Floats, side: int) -> NDArray[np.float64]:
    """2 x 3, from the picture to a square of `side` pixels: shift, turn and one scale, least squares.

    `points` (5, 2) in pixels. Raises ProtofaceError for points that are no numbers, or in one place.
    """
    found, places = (complex_of(one) for one in (points, PLACES * side / SIDE))
    centred = found - found.mean()
    spread = np.vdot(centred, centred).real
    if not np.isfinite(spread) or spread < 1e-6:
        raise ProtofaceError(f"a face with the points {np.round(points, 1).tolist()} cannot be aligned")
    a = np.vdot(centred, places) / spread
    b = places.mean() - a * found.mean()
    return np.array(((a.real, -a.imag, b.real), (a.imag, a.real, b.imag)))


def complex_of(points: Floats) -> NDArray[np.complex128]:
    """Points (n, 2) as x + iy: a similarity is then a q + b, and its fit that of a line."""
    return np.asarray(np.asarray(points, np.float64) @ (1, 1j), np.complex128)


def aligned(image: Image, points: Floats, side: int) -> Image:
    """The face of five points, side x side x 3 uint8, black beyond the picture; see `alignment`.

    Sampled linearly, as the nets saw it in training.
    """
    rule = alignment(points, side)
    return cv2.warpAffine(image, rule, (side, side))  # type: ignore[return-value]
