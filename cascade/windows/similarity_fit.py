"""The window that lies over five points as its shape says: which shift, scale and turn carry it there.

Points are taken as complex numbers x + iy: a similarity is then p = a q + b, |a| its scale and the
argument of a its turn, and the least squares are a straight line's. Source: Umeyama, "Least-squares
estimation of transformation parameters between two point patterns", PAMI 1991, in the plane.
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from .window import Floats

#: Reweighted fits after the first: with three, an eye that sits one eye distance off moves the centre
#: by 1.8 % of the side in the mean (7.5 % without), and good points lose nothing (net7876 val).
ROUNDS = 3
#: Distance from its place at which a point counts a quarter, over the shape's own radius. A level 1
#: misses by a fifth of that.
TOLERANCE = 0.4
#: The least weight of a point: some always have one.
LEAST = 1e-6
#: A scale at which points coincide but for rounding.
COINCIDING = 1e-9
#: Points further off than this many pixels are no points.
FURTHEST = 1e9


class Frame(NamedTuple):
    """A square, turned window: centre in pixels, side in pixels, `angle` as `Window` has it.

    Each is a number, or an array (n) for a batch of n; all NaN where the points are no numbers.
    """

    cx: Any
    cy: Any
    side: Any
    angle: Any


def fit(shape: Floats, points: Floats, upright: bool = True) -> Frame:
    """The window in which `points` lie as `shape` does, as well as shift, scale and turn can do it.

    `shape` (points, 2) is in [-1, 1] of the window, `points` (points, 2) or (n, points, 2) in pixels.
    Least squares, then ROUNDS more with weights 1 / (1 + (distance / tolerance)^2)^2 (Geman and
    McClure), so that one bad point moves the window little. Without `upright` the window has the same
    scale but is not turned. Points that coincide make a side of 1. The shape's points must differ.
    """
    template = complex_points(shape)
    if points.ndim == 2:
        return fit_complex(template, points.tolist(), upright)
    frames = [fit_complex(template, face, upright) for face in points.tolist()]
    return Frame(*np.array(frames, np.float64).reshape(-1, 4).T)


def complex_points(shape: Floats) -> list[complex]:
    """Points (n, 2) as x + iy."""
    return [complex(x, y) for x, y in shape.tolist()]


def fit_complex(
    shape: Sequence[complex], points: Sequence[Sequence[float]], upright: bool = True
) -> Frame:
    """`fit` for one face in plain numbers, which for so few are ten times as fast as arrays."""
    if not all(-FURTHEST < x < FURTHEST and -FURTHEST < y < FURTHEST for x, y in points):
        return Frame(math.nan, math.nan, math.nan, math.nan)
    rows = [
        (q, p, abs(q) ** 2, q.conjugate() * p)
        for q, p in zip(shape, [complex(x, y) for x, y in points], strict=True)
    ]
    weights = [1.0] * len(rows)
    tolerance = 0.0
    for left in range(ROUNDS, -1, -1):
        a, q0, p0, spread = _weighted(rows, weights)
        if not left or abs(a) < COINCIDING:
            break
        tolerance = tolerance or TOLERANCE**2 * spread  # all weights are 1 yet: the shape's own radius
        # squared distance in the shape's units
        apart = [abs((p - p0) / a - q + q0) ** 2 for q, p, _, _ in rows]
        weights = [LEAST + (1 + r / tolerance) ** -2 for r in apart]
    scale, angle = cmath.polar(a)
    centre = p0 - (a if upright else scale) * q0
    return Frame(centre.real, centre.imag, 2 * scale + 1, math.degrees(angle) if upright else 0.0)


def _weighted(
    rows: Sequence[tuple[complex, complex, float, complex]], weights: Sequence[float]
) -> tuple[complex, complex, complex, float]:
    """Least squares of p = a q + b: a, the means of q and of p, and the variance of q."""
    total = square = 0.0
    q0 = p0 = product = 0j
    for w, (q, p, qq, qp) in zip(weights, rows, strict=True):
        total += w
        q0 += w * q
        p0 += w * p
        square += w * qq
        product += w * qp
    q0 /= total
    p0 /= total
    spread = square / total - abs(q0) ** 2
    return (product / total - q0.conjugate() * p0) / spread, q0, p0, spread
