"""The best shift, scale and turn of a window, so that points lie in it as in a given shape.

Points are taken as complex numbers x + iy: a similarity is then p = a q + b, |a| its scale and the
argument of a its turn, and the least squares are a straight line's. Source: Umeyama, "Least-squares
estimation of transformation parameters between two point patterns", PAMI 1991, in the plane.
"""

from __future__ import annotations

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
    template = make_template(shape.tolist())
    if points.ndim == 2:
        return fit_template(template, points.tolist(), upright)
    frames = [fit_template(template, face, upright) for face in points.tolist()]
    return Frame(*np.array(frames, np.float64).reshape(-1, 4).T)


class Template(NamedTuple):
    """A shape as the fit needs it: x, y and |q|^2 of each point, and the variance of all."""

    rows: Sequence[tuple[float, float, float]]
    spread: float


def make_template(shape: Sequence[Sequence[float]]) -> Template:
    """The template of a shape's points (x, y) in [-1, 1] of the window."""
    rows = [(x, y, x * x + y * y) for x, y in shape]
    mx, my = (sum(row[axis] for row in rows) / len(rows) for axis in (0, 1))
    return Template(rows, sum(row[2] for row in rows) / len(rows) - mx * mx - my * my)


class _Line(NamedTuple):
    """A fit: p = a q + b, and the mean of q; real and imaginary parts."""

    ar: float
    ai: float
    br: float
    bi: float
    qx: float
    qy: float


def fit_template(template: Template, points: Sequence[Sequence[float]], upright: bool = True) -> Frame:
    """`fit` for one face in plain numbers, which for so few are thirty times as fast as arrays."""
    if not all(-FURTHEST < x < FURTHEST and -FURTHEST < y < FURTHEST for x, y in points):
        return Frame(math.nan, math.nan, math.nan, math.nan)
    rows, spread = template
    line = _fitted(rows, points, _Line(0, 0, 0, 0, 0, 0), 0.0)  # all points weigh the same
    tolerance = TOLERANCE**2 * spread  # of the shape's own radius
    for _ in range(ROUNDS):
        size = line.ar * line.ar + line.ai * line.ai
        if size < COINCIDING**2:
            break
        line = _fitted(rows, points, line, 1 / (tolerance * size))
    ar, ai, br, bi, qx, qy = line
    scale = math.hypot(ar, ai)
    if upright:
        return Frame(br, bi, 2 * scale + 1, math.degrees(math.atan2(ai, ar)))
    # the same mean of the points, without the turn
    x, y = br + (ar - scale) * qx - ai * qy, bi + (ar - scale) * qy + ai * qx
    return Frame(x, y, 2 * scale + 1, 0.0)


def _fitted(
    rows: Sequence[tuple[float, float, float]],
    points: Sequence[Sequence[float]],
    before: _Line,
    sharpness: float,
) -> _Line:
    """Least squares of p = a q + b, weighted by how well the fit before suits each point.

    `sharpness` makes squared distances those over the tolerance.
    """
    ar, ai, br, bi, _, _ = before
    total = qx = qy = px = py = square = along = across = 0.0
    for (x, y, qq), (u, v) in zip(rows, points, strict=True):
        dx, dy = u - ar * x + ai * y - br, v - ar * y - ai * x - bi
        loss = 1 + (dx * dx + dy * dy) * sharpness
        w = LEAST + 1 / (loss * loss)
        wx, wy = w * x, w * y
        total += w
        qx += wx
        qy += wy
        px += w * u
        py += w * v
        square += w * qq
        along += wx * u + wy * v  # of the product of p and the conjugate of q
        across += wx * v - wy * u
    qx, qy, px, py = qx / total, qy / total, px / total, py / total
    spread = square / total - qx * qx - qy * qy
    ar = (along / total - qx * px - qy * py) / spread
    ai = (across / total - qx * py + qy * px) / spread
    return _Line(ar, ai, px - ar * qx + ai * qy, py - ar * qy - ai * qx, qx, qy)
