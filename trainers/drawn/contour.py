"""The jaw contour of a drawn head, as people mark it in photographs: it follows what is seen.

A markup of photographs has no fixed place on the skin for the points of the jaw. Seen from the front
they lie on the rim of the face, from ear to ear by way of the chin. On a turned head the far rim is
hidden, and the points lie where the cheek ends in the picture.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .head import FLOOR, HEIGHT, TOP, Floats, Pose, Shape, half_widths, lift

Points = NDArray[np.float64]

#: How far points may slide from the rim towards the middle of the face, and in how many steps.
REACH, STEPS = 0.62, 40
LINES = 49  # along which they slide
CHIN = 0.2  # how far above the lower end of the head the middle of the chin lies


def rim(shape: Shape, count: int, start: float) -> Points:
    """`count` places (count, 2) of equal distance on the rim, from the left ear to the right one.

    The first and the last lie at the height `start`. `count` is odd: the one in the middle is the chin.
    """
    side = half_rim(shape, start)
    way = np.concatenate(([0], np.cumsum(np.hypot(*np.diff(side, axis=0).T))))
    at = np.linspace(0, way[-1], (count + 1) // 2)
    places = np.column_stack([np.interp(at, way, values) for values in side.T])
    return np.concatenate((places * (-1, 1), places[-2::-1]))


def half_rim(shape: Shape, start: float) -> Points:
    """Right half (80, 2) of the line where the surface sinks to FLOOR, from a height to the chin."""
    level = 1 + (FLOOR / shape.depth) ** 2  # the surface is a superellipse of power 2.5, see `relief`
    middle, half = (shape.crown + shape.chin) / 2, (shape.chin - shape.crown) / 2 * level**0.4
    begin = max((start - middle) / half, -1)
    angle = np.linspace(np.copysign(np.arcsin(np.abs(begin) ** 1.25), begin), np.pi / 2, 80)
    down = np.sin(angle)
    y = middle + half * np.copysign(np.abs(down) ** 0.8, down)
    x = half_widths(shape, y) * (level * np.cos(angle) ** 2) ** 0.4
    return np.column_stack((x, y))


def contour(shape: Shape, height: Floats, pose: Pose, count: int, start: float) -> Floats:
    """Pixels (count, 2) of the jaw's contour, left end to right end with the chin in the middle.

    The ends are those of `visible_edge`, seen from the front at the height `start`. The point of the
    chin is where the edge lies straight below the middle of the chin. Between it and each end the
    points have equal distances in the picture, as in markups of photographs.
    """
    edge = visible_edge(shape, height, pose, start)
    way = np.concatenate(([0], np.cumsum(np.linalg.norm(np.diff(edge, axis=0), axis=1))))
    below = pose.rotation[:2, 1] / np.linalg.norm(pose.rotation[:2, 1])
    above_chin = lift(height, np.array([(0, shape.chin - CHIN)], np.float32))
    origin = pose.project(above_chin)[0] - CHIN * pose.scale * below
    _, corner = first_crossing(edge - origin, below)
    chin, half = np.interp(corner, np.arange(LINES), way), (count + 1) // 2
    at = np.concatenate((np.linspace(0, chin, half), np.linspace(chin, way[-1], half)[1:]))
    return np.column_stack([np.interp(at, way, values) for values in edge.T]).astype(np.float32)


def first_crossing(line: Floats | Points, way: Floats | Points) -> tuple[float, float]:
    """Where a ray from the origin along a unit vector first meets a line (n, 2).

    Returns how far away that is, infinity if they do not meet, and where on the line: 1.5 is midway
    from its corner 1 to 2.
    """
    side = line @ (-way[1], way[0])  # of the ray, which corners lie on
    ahead = line @ way
    crossed = np.flatnonzero((side[:-1] < 0) != (side[1:] < 0))
    share = side[crossed] / (side[crossed] - side[crossed + 1])
    distance = ahead[crossed] + share * (ahead[crossed + 1] - ahead[crossed])
    distance = np.append(np.where(distance > 0, distance, np.inf), np.inf)
    first = int(distance.argmin())
    return float(distance[first]), float(np.append(crossed + share, 0)[first])


def visible_edge(shape: Shape, height: Floats, pose: Pose, start: float) -> Floats:
    """Pixels (LINES, 2) where the jaw ends in the picture, from the left to the right.

    From each of LINES places on the rim a line goes inwards on the surface: level above the mouth,
    towards the mouth below it. The edge has that point of each line which lies outermost in the
    picture. Where the rim itself is seen, this is the rim.
    """
    places = rim(shape, LINES, start)
    inner = np.column_stack((np.zeros(LINES), np.minimum(places[:, 1], shape.mouth)))
    share = REACH * np.linspace(0, 1, STEPS)[:, None] ** 2
    lines = places[:, None] + share * (inner - places)[:, None]
    lines[..., 1] = np.minimum(lines[..., 1], TOP + HEIGHT)
    surface = lift(height, lines.reshape(-1, 2).astype(np.float32))
    surface[:, 2] = np.maximum(surface[:, 2], FLOOR)
    pixels = pose.project(surface).reshape(LINES, STEPS, 2)
    found = pixels[:, 0]
    for _ in range(2):  # what is outermost depends on the direction of the edge
        found = _outermost(pixels, found)
    return found


def _outermost(pixels: Floats, edge: Floats) -> Floats:
    """Of each line (STEPS, 2) the point farthest out of an edge near it."""
    along = np.gradient(edge, axis=0)
    outward = np.column_stack((-along[:, 1], along[:, 0]))
    farthest = np.einsum("nsk,nk->ns", pixels, outward).argmax(1)
    return np.asarray(np.take_along_axis(pixels, farthest[:, None, None], 1)[:, 0])
