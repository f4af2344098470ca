"""What a synthetic picture is drawn with: colours, polygons, lines, noise."""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from .head import Floats, Generator

Picture = NDArray[np.uint8]
Colour = tuple[float, float, float]

FULL = (255.0, 255.0, 255.0)
SHIFT = 4  # sub-pixel bits of OpenCV's drawing


def colour(values: Iterable[float]) -> Colour:
    """Three numbers as a colour that can be drawn."""
    blue, green, red = values
    return min(max(float(blue), 3), 252), min(max(float(green), 3), 252), min(max(float(red), 3), 252)


def any_colour(rng: Generator) -> Colour:
    """A colour of the world: mostly dull and warm, many dark, some white, a few of them loud."""
    kind = rng.random()
    if kind < 0.15:
        return colour(rng.uniform(0, 256, 3))
    level = (
        rng.uniform(5, 60)
        if kind < 0.5
        else rng.uniform(200, 250)
        if kind < 0.62
        else rng.uniform(40, 220)
    )
    warm = rng.normal(0.1, 0.2)
    return colour(level * np.array((1 - warm, 1 + rng.normal(0, 0.06), 1 + warm)))


def mixed(one: Colour, other: Colour, share: float) -> Colour:
    """`share` of the other colour."""
    blue, green, red = (a + (b - a) * share for a, b in zip(one, other, strict=True))
    return colour((blue, green, red))


def shaded(paint: Colour, factor: float) -> Colour:
    """A darker or, above 1, a lighter shade."""
    return colour((paint[0] * factor, paint[1] * factor, paint[2] * factor))


def polygon(picture: Picture, points: ArrayLike, paint: Colour) -> None:
    """A filled polygon, smooth and sub-pixel; `points` (n, 2) are pixels."""
    cv2.fillPoly(picture, [fixed(points)], paint, cv2.LINE_AA, SHIFT)


def line(
    picture: Picture, points: ArrayLike, paint: Colour, width: float, closed: bool = False
) -> None:
    """A line through pixels (n, 2)."""
    cv2.polylines(picture, [fixed(points)], closed, paint, max(1, round(width)), cv2.LINE_AA, SHIFT)


def fixed(points: ArrayLike) -> NDArray[np.int32]:
    """Pixels as OpenCV's fixed-point numbers."""
    # plus a half and cut off: as good as rounding, and faster
    return (np.asarray(points, np.float32) * (1 << SHIFT) + 0.5).astype(np.int32)


def noise(rng: Generator, rows: int, columns: int, size: tuple[int, int], strength: float) -> Floats:
    """Smooth noise around 1 of `size` (rows, columns), from a coarse grid of `rows` x `columns`."""
    grid = rng.normal(1, strength, (rows, columns)).astype(np.float32)
    return cv2.resize(grid, size[::-1], interpolation=cv2.INTER_LINEAR)  # type: ignore[return-value]


def blend(picture: Picture, paint: Colour, cover: Picture, strength: Floats) -> None:
    """Paint over the picture where `cover` is 255, fading out at its edge, as thick as `strength`."""
    share = np.minimum(cv2.blur(cover, (9, 9)) * strength / 255, 1).astype(np.float32)
    colours = np.empty_like(picture)
    colours[:] = paint
    picture[:] = cv2.blendLinear(colours, picture, share, 1 - share)
