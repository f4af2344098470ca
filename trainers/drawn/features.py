"""The lines of a drawn face, on the atlas: what is painted and what is marked are the same curves.

Points are (n, 2) x and y of the head in eye distances, see `head`. "Left" is the picture's left.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .head import Floats, Generator, Shape

Curve = NDArray[np.float64]

EYE_HALF_WIDTH = 0.25
MET = 0.03  # lids that are open less than this have met: one line of lashes is drawn
PARTED = 0.02  # lips that are open less than this have met: one line is drawn between them


@dataclass(frozen=True)
class Brow:
    """Both eyebrows of a face: the same strokes, mirrored."""

    thick: float
    arch: float
    tilt: float
    raised: float

    def edges(self, shape: Shape, side: int) -> tuple[Curve, Curve]:
        """Upper and lower edge (7, 2) from the nose outwards; `side` is -1 for the left brow, 1."""
        t = np.linspace(0, 1, 7)
        y = -shape.brow - self.raised - self.arch * np.sin(np.pi * t * 0.8) + self.tilt * (1 - t)
        x = side * (0.22 + 0.58 * t)
        thick = self.thick * (1 - 0.7 * t * t)
        return np.column_stack((x, y - thick / 2)), np.column_stack((x, y + thick / 2))


@dataclass(frozen=True, eq=False)
class Features:
    """What chance adds to a face while it is painted, as far as points depend on it.

    `opening` is the height of the eyes, below MET if they are shut; `gaze` (2,) the way of the pupils
    from the middle of the eyes; `hair` (n, 2) the outline of the hair on the atlas, None if bald.
    """

    opening: float
    gaze: Curve
    brow: Brow
    hair: Floats | None


@dataclass(frozen=True, eq=False)
class Lips:
    """Four curves (11, 2) from the left corner to the right: upper lip, gap, lower lip."""

    top: Curve
    above_gap: Curve
    below_gap: Curve
    bottom: Curve


def draw_brow(rng: Generator) -> Brow:
    """The eyebrows of one face."""
    return Brow(
        thick=rng.uniform(0.035, 0.1),
        arch=rng.uniform(0.02, 0.12),
        tilt=rng.uniform(-0.06, 0.06),
        raised=rng.normal(0, 0.03),
    )


def lids(side: int, opening: float) -> tuple[Curve, Curve]:
    """Edges (9, 2) of the upper and the lower lid, from left to right."""
    t = np.linspace(-1, 1, 9)
    bend = 1 - t * t
    x = side * 0.5 + EYE_HALF_WIDTH * t
    upper = np.column_stack((x, -opening * 1.15 * bend + 0.02))
    return upper, np.column_stack((x, opening * 0.85 * bend + 0.02))


def pupil(side: int, gaze: Curve) -> tuple[float, float]:
    """The middle of an iris."""
    return side * 0.5 + gaze[0], float(np.clip(gaze[1], -0.03, 0.03)) - 0.005


def lips(shape: Shape) -> Lips:
    """The edges of the lips."""
    t = np.linspace(-1, 1, 11)
    bend = 1 - t * t
    x = shape.mouth_half_width * t
    middle = shape.corners + (shape.mouth - shape.corners) * bend
    notch = 0.03 * np.exp(-np.square(t / 0.2))
    return Lips(
        top=np.column_stack((x, middle - shape.lips * bend + notch * bend)),
        above_gap=np.column_stack((x, middle)),
        below_gap=np.column_stack((x, middle + shape.opened * bend)),
        bottom=np.column_stack((x, middle + (shape.opened + 1.35 * shape.lips) * np.sqrt(bend))),
    )


def nostril(shape: Shape, side: int) -> tuple[tuple[float, float], tuple[float, float]]:
    """Middle and half axes of a nostril's ellipse."""
    return (side * shape.nose_width * 0.45, shape.nose + 0.1), (0.06, 0.028)


def wing(shape: Shape, side: int) -> list[tuple[float, float]]:
    """The fold around a wing of the nose, from above to below."""
    fold = [(0.85, -0.06), (1.02, 0.02), (0.95, 0.08), (0.7, 0.11)]
    return [(side * x * shape.nose_width, shape.nose + y) for x, y in fold]
