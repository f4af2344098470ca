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
    """A shape as the fit needs it: q, its conjugate and |q|^2 of each point; the variance of all q."""

    rows: Sequence[tuple[complex, complex, float]]
    spread: float


def make_template(shape: Sequence[Sequence[float]]) -> Template:
    """The template of a shape's points (x, y) in [-1, 1] of the window."""
    rows = [(complex(x, y), complex(x, -y), x * x + y * y) for x, y in shape]
    mean = sum(q for q, _, _ in rows) / len(rows)
    return Template(rows, sum(square for *_, square in rows) / len(rows) - _squared(mean))


def fit_template(template: Template, points: Sequence[Sequence[float]], upright: bool = True) -> Frame:
    """`fit` for one face in plain numbers, which for so few are many times as fast as arrays."""
    if not all(-FURTHEST < x < FURTHEST and -FURTHEST < y < FURTHEST for x, y in points):
        return Frame(math.nan, math.nan, math.nan, math.nan)
    rows, spread = template
    places = [complex(x, y) for x, y in points]
    a, b, q = _fitted(rows, places, 0j, 0j, 0.0)  # all points weigh the same
    tolerance = TOLERANCE**2 * spread  # of the shape's own radius
    for _ in range(ROUNDS):
        size = _squared(a)
        if size < COINCIDING**2:
            break
        a, b, q = _fitted(rows, places, a, b, 1 / (tolerance * size))
    return _framed(a, b, q, upright)


def fit_back(template: Template, points: Sequence[Sequence[float]], upright: bool = True) -> Frame:
    """The same by plain least squares of the way back: q = a p + b, as the layer SimilarityFit.

    What is least is the distance in the window, not in the picture, so that the window is larger the
    less the points are like the shape.
    """
    if not all(-FURTHEST < x < FURTHEST and -FURTHEST < y < FURTHEST for x, y in points):
        return Frame(math.nan, math.nan, math.nan, math.nan)
    p, q = np.array(points) @ (1, 1j), np.array([q for q, _, _ in template.rows])
    p_mean, q_mean = complex(p.mean()), complex(q.mean())
    turned = complex(np.vdot(q - q_mean, p - p_mean))  # of a face that is like the shape real, above 0
    size = float(np.square(np.abs(p - p_mean)).sum())
    if abs(turned) <= COINCIDING * size or not size:
        return Frame(p_mean.real, p_mean.imag, 1.0, 0.0)
    a = size / turned.conjugate()
    return _framed(a, p_mean - a * q_mean, q_mean, upright)


def _framed(a: complex, b: complex, q: complex, upright: bool) -> Frame:
    """The window of p = a q + b; not `upright` without its turn, about the mean `q` of the shape."""
    scale = abs(a)
    if upright:
        return Frame(b.real, b.imag, 2 * scale + 1, math.degrees(math.atan2(a.imag, a.real)))
    b += (a - scale) * q  # the same mean of the points, without the turn
    return Frame(b.real, b.imag, 2 * scale + 1, 0.0)


def _squared(number: complex) -> float:
    return number.real * number.real + number.imag * number.imag


def _fitted(
    rows: Sequence[tuple[complex, complex, float]],
    places: Sequence[complex],
    a: complex,
    b: complex,
    sharpness: float,
) -> tuple[complex, complex, complex]:
    """Least squares of p = a q + b, weighted by how well the fit before suits each point.

    `sharpness` makes squared distances those over the tolerance. The new a and b, and the mean of q.
    """
    total = square = 0.0
    q_sum = p_sum = product = 0j
    for (q, conjugate, squared), p in zip(rows, places, strict=True):
        off = p - a * q - b
        loss = 1 + (off.real * off.real + off.imag * off.imag) * sharpness
        weight = LEAST + 1 / (loss * loss)
        weighted = weight * p
        total += weight
        square += weight * squared
        q_sum += weight * q
        p_sum += weighted
        product += weighted * conjugate
    q_mean, p_mean = q_sum / total, p_sum / total
    a = (product / total - p_mean * q_mean.conjugate()) / (square / total - _squared(q_mean))
    return a, p_mean - a * q_mean, q_mean
