"""Heat maps of points: how near each pixel is to a point, for many faces at once.

As the layer ShapeHeatmap (converters/layers/shape_heatmap.py), without PyTorch.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .windows.window import Floats

#: The square of a distance that is none: no point is seen there.
NOWHERE = np.float32(1e12)


class HeatMap(NamedTuple):
    """What heat maps are like, in pixels.

    `half` and `last` are those of a point's square before and behind its own pixel; with `half` 0
    points are seen everywhere. `clamp`: they are moved to where their squares lie inside.
    """

    height: int
    width: int
    half: int = 8
    last: int = 8
    clamp: bool = True


def heat_maps(points: Floats, like: HeatMap) -> NDArray[np.float32]:
    """Values (n, height, width) 0 to 1 for points (n, m, 2), x and y in pixels.

    1 / (1 + distance to the nearest point), 0 where none is near. Points that are no numbers show
    nothing.
    """
    points = points.astype(np.float32)
    if like.clamp and like.half:
        ends = np.array((like.width, like.height), np.float32) - 1 - like.half
        points = np.clip(points, np.float32(like.half), ends)
    squares = _near(points, like) if like.half else _everywhere(points, like)
    value = (1 / (1 + np.sqrt(squares))).astype(np.float32)
    value[squares >= NOWHERE] = 0
    found: NDArray[np.float32] = value.reshape(len(points), like.height, like.width)
    return found


def _near(points: Floats, like: HeatMap) -> Floats:
    """Squared distances (n * height * width) to the nearest point whose square reaches there."""
    beyond = like.half + 2
    own = np.clip(np.nan_to_num(points), -beyond, max(like.height, like.width) + beyond)
    pixels = np.floor(own).astype(np.intp)[..., None] + np.arange(-like.half, like.last + 1)
    across, down = pixels[:, :, 0], pixels[:, :, 1]  # (n, m, offsets) each
    x = _squares(points[..., 0], across, like.width)
    y = _squares(points[..., 1], down, like.height)
    rows = np.clip(down, 0, like.height - 1) + np.arange(len(points))[:, None, None] * like.height
    columns = np.clip(across, 0, like.width - 1)
    places = (rows * like.width)[..., None] + columns[:, :, None]
    nearest = np.full(len(points) * like.height * like.width, NOWHERE, np.float32)
    np.minimum.at(nearest, places.ravel(), (y[..., None] + x[:, :, None]).ravel())
    return nearest


def _squares(place: Floats, pixels: Floats, size: int) -> Floats:
    """Squared distances of places (n, m) from pixels (n, m, k); NOWHERE off the picture."""
    square = np.square(pixels - place[..., None]).astype(np.float32)
    return np.where((pixels >= 0) & (pixels < size) & ~np.isnan(square), square, NOWHERE)


def _everywhere(points: Floats, like: HeatMap) -> Floats:
    """The same with every point seen everywhere, a face after the other: each takes much memory."""
    nearest = []
    for face in points:
        x = np.square(np.arange(like.width) - face[:, :1])
        y = np.square(np.arange(like.height) - face[:, 1:])
        every = (y[:, :, None] + x[:, None]).astype(np.float32)
        nearest.append(np.fmin.reduce(every, 0, initial=NOWHERE).ravel())
    return np.concatenate(nearest) if nearest else np.zeros(0, np.float32)
