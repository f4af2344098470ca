"""The head behind a synthetic face: a height field in 3-D, turned and projected.

Lengths are in eye distances. Head coordinates: x to the picture's right, y down, z towards the viewer,
the eyes at y = 0. The face is a surface z(x, y) over a flat atlas, which is painted like a map; a ray
through each pixel finds the part of the map that it sees, so that a nose hides a cheek as it should.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Generator = np.random.Generator

#: The atlas: its corner and size in eye distances, and its pixels in an eye distance.
LEFT, TOP, WIDTH, HEIGHT = -1.4, -2.0, 2.8, 4.3
SCALE = 42
COLUMNS, ROWS = round(WIDTH * SCALE), round(HEIGHT * SCALE)
XS = (LEFT + (np.arange(COLUMNS, dtype=np.float32) + 0.5) / SCALE).astype(np.float32)
YS = (TOP + (np.arange(ROWS, dtype=np.float32) + 0.5) / SCALE).astype(np.float32)

FLOOR = -0.45  # where the sides of the face end, at the ears
FRONT, BACK, STEPS = 2.2, -0.8, 24  # depths along a ray, from the viewer's side


@dataclass(frozen=True)
class Shape:
    """Lengths of one head in eye distances; `smile` is -1 to 1, `opened` the gap between the lips."""

    half_width: float
    crown: float
    chin: float
    depth: float
    jaw: float
    nose: float
    nose_length: float
    nose_width: float
    mouth: float
    mouth_half_width: float
    smile: float
    opened: float
    brow: float
    socket: float
    lips: float

    @property
    def corners(self) -> float:
        """Height of the mouth's corners: a smile lifts them, a dropped jaw draws them down."""
        return self.mouth - 0.12 * self.smile + 0.3 * self.opened * (1 - 0.7 * max(self.smile, 0))


@dataclass(frozen=True)
class Pose:
    """How a head lies in a picture: rotation (3, 3), pixels in an eye distance, where its origin is."""

    rotation: Floats
    scale: float
    origin: Floats

    def project(self, points: Floats) -> Floats:
        """Pixels (..., 2) of points (..., 3) of the head."""
        return (points @ self.rotation[:2].T * self.scale + self.origin).astype(np.float32)


@dataclass(frozen=True)
class View:
    """What a part of the picture sees: its corner, atlas pixels, how much of each pixel is head."""

    left: int
    top: int
    map_x: Floats
    map_y: Floats
    cover: Floats


def draw_shape(rng: Generator) -> Shape:
    """A head's lengths. Means and spreads follow the training part of a set of labelled photographs.

    How far nose and mouth lie below the eyes spreads together: what differs is mostly the eye distance.
    """
    tall = rng.normal(1, 0.055)
    smile = float(np.clip(rng.normal(0.3, 0.5), -0.8, 1))
    # every second mouth is open, mostly in a smile; some of them wide
    opened = float(
        rng.choice([0.0, rng.uniform(0.03, 0.2), rng.uniform(0.1, 0.5)], p=[0.5, 0.42, 0.08])
    )
    return Shape(
        half_width=rng.normal(1.17, 0.06) * (0.5 + tall / 2),
        crown=-1.85 * tall * rng.normal(1, 0.03),
        chin=min(1.86 * tall * rng.normal(1, 0.045) + 0.55 * opened, 2.25),
        depth=rng.normal(1.4, 0.08),
        jaw=float(np.clip(rng.normal(0.28, 0.09), 0.05, 0.5)),
        nose=0.595 * tall * rng.normal(1, 0.05),
        nose_length=float(np.clip(rng.normal(0.42, 0.06), 0.25, 0.6)),
        nose_width=rng.normal(0.24, 0.035),
        mouth=1.04 * tall * rng.normal(1, 0.045) + 0.1 * opened,
        mouth_half_width=rng.normal(0.42, 0.045) + 0.065 * smile - 0.1 * opened,
        smile=smile,
        opened=opened,
        brow=rng.normal(0.3, 0.04),
        socket=float(np.clip(rng.normal(0.16, 0.05), 0.04, 0.3)),
        lips=float(np.clip(rng.normal(0.1, 0.03), 0.04, 0.18)),
    )


def draw_rotation(rng: Generator) -> Floats:
    """A rotation (3, 3): mostly nearly frontal, and enough of every pose up to half profiles."""
    if rng.random() < 0.8:
        yaw, pitch, roll = rng.normal((0, 0, 0), (18, 9, 9))
    else:
        yaw, pitch, roll = rng.uniform((-52, -27, -30), (52, 27, 30))
    return rotation(float(yaw), float(pitch), float(roll))


def rotation(yaw: float, pitch: float, roll: float) -> Floats:
    """Degrees to a matrix: yaw turns the nose to the picture's right, pitch down, roll clockwise."""
    (cy, cp, cr), (sy, sp, sr) = (
        wave(np.radians((yaw, pitch, roll))).tolist() for wave in (np.cos, np.sin)
    )
    turn = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    nod = np.array([[1, 0, 0], [0, cp, sp], [0, -sp, cp]])
    tilt = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    return np.asarray(tilt @ nod @ turn, np.float32)


def _bump(x: float, y: float, width: float, height: float, amount: float) -> tuple[Floats, Floats]:
    across = np.exp(-0.5 * ((XS - x) / width) ** 2)
    down = amount * np.exp(-0.5 * ((YS - y) / height) ** 2)
    return down.astype(np.float32), across.astype(np.float32)


def relief(shape: Shape) -> Floats:
    """Height z (ROWS, COLUMNS) of the face over the atlas."""
    middle, half = (shape.crown + shape.chin) / 2, (shape.chin - shape.crown) / 2
    across = np.square(XS[None] / half_widths(shape, YS)[:, None])
    down = np.square((YS - middle) / half)
    inside = 1 - across * np.sqrt(np.sqrt(across)) - (down * np.sqrt(np.sqrt(down)))[:, None]
    # below the floor outside the outline, and steeply: a ray that passes by meets nothing
    base = shape.depth * np.copysign(np.sqrt(np.abs(inside)), inside)
    rows, columns = zip(*_bumps(shape), strict=True)
    features = np.stack(rows, 1) @ np.stack(columns)
    features += _nose(shape)
    return np.asarray(base + features * np.clip(4 * inside, 0, 1), np.float32)


def half_widths(shape: Shape, y: NDArray[Any]) -> NDArray[Any]:
    """Half of the head's width at heights (n,) by the middle of the head; jaws are narrower."""
    narrow = np.clip((y - 0.25) / (shape.chin - 0.25), 0, 1)
    return np.asarray(shape.half_width * (1 - shape.jaw * narrow * narrow))


def _bumps(shape: Shape) -> list[tuple[Floats, Floats]]:
    mouth, wide = shape.mouth + shape.opened / 2, shape.mouth_half_width
    return [
        _bump(-0.5, -0.03, 0.22, 0.15, -shape.socket),
        _bump(0.5, -0.03, 0.22, 0.15, -shape.socket),
        _bump(-0.5, 0.02, 0.13, 0.09, 0.08),  # eyeballs under their lids
        _bump(0.5, 0.02, 0.13, 0.09, 0.08),
        _bump(0, -shape.brow, 0.55, 0.11, 0.08),
        _bump(-0.62, 0.5, 0.25, 0.22, 0.1),  # cheekbones
        _bump(0.62, 0.5, 0.25, 0.22, 0.1),
        _bump(0, mouth, wide * 1.1, 0.26, 0.16),
        _bump(0, mouth - shape.opened / 2 - 0.06, wide * 0.6, 0.07, 0.06),
        _bump(0, mouth + shape.opened / 2 + 0.09, wide * 0.5, 0.07, 0.07),
        _bump(0, mouth + shape.opened / 2 + 0.26, 0.3, 0.07, -0.07),
        _bump(0, shape.chin - 0.25, 0.28, 0.17, 0.12),
    ]


def _nose(shape: Shape) -> Floats:
    tip = shape.nose
    along = np.clip((YS + 0.12) / (tip + 0.12), 0, 1)
    below = np.clip((YS - tip) / 0.16, 0, 1)  # from the tip in to the lip
    height = (
        shape.nose_length
        * (0.12 * along + 0.88 * along * along)
        * (1 - below * below * (3 - 2 * below))
    )
    width = 0.09 + (shape.nose_width * 0.55 - 0.09) * along
    ridge = height[:, None] * np.exp(-0.5 * np.square(XS[None] / width[:, None]))
    wings = sum(
        np.outer(*_bump(side * shape.nose_width * 0.75, tip + 0.04, 0.08, 0.08, 0.14))
        for side in (-1, 1)
    )
    return np.asarray(ridge + wings, np.float32)


def atlas_pixels(points: Floats) -> Floats:
    """Pixels of the atlas for (..., 2) x and y of the head."""
    corner = np.array((LEFT, TOP), np.float32)
    return np.asarray((points - corner) * SCALE - 0.5, np.float32)


def lift(height: Floats, points: Floats) -> Floats:
    """Points (n, 2) on the map as points (n, 3) on the surface."""
    x, y = atlas_pixels(points).T
    z = cv2.remap(height, x[:, None], y[:, None], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.column_stack((points, z)).astype(np.float32)


def landmarks(shape: Shape, height: Floats) -> Floats:
    """The five points (5, 3): eye centres, nose tip, corners of the mouth."""
    wide, corners = shape.mouth_half_width, shape.corners
    flat = [(-0.5, 0), (0.5, 0), (0, shape.nose), (-wide, corners), (wide, corners)]
    return lift(height, np.array(flat, np.float32))


def outline(shape: Shape) -> Floats:
    """Points (n, 3) around the face from hairline to chin, for its box."""
    angle = np.linspace(0, 2 * np.pi, 16, endpoint=False)
    middle, half = (shape.chin - 1) / 2, (shape.chin + 1) / 2
    ring = (0.95 * shape.half_width * np.cos(angle), middle + half * np.sin(angle), np.full(16, 0.5))
    return np.stack(ring, 1).astype(np.float32)


def view_from(height: Floats, pose: Pose, size: tuple[int, int]) -> View | None:
    """What a picture of `size` (rows, columns) sees of the head; None if it lies outside."""
    corners = np.array(
        [(x, y, z) for x in (-1.25, 1.25) for y in (-1.9, 2.3) for z in (FLOOR, 1.2)], np.float32
    )
    pixels = pose.project(corners)
    left, top = np.maximum(np.floor(pixels.min(0)), 0).astype(int).tolist()
    right, bottom = np.minimum(np.ceil(pixels.max(0)), size[::-1]).astype(int).tolist()
    if right - left < 2 or bottom - top < 2:
        return None
    step = max((right - left) / 46, 1.0)  # rays are thinned out: the surface is smooth
    columns, rows = round((right - left) / step), round((bottom - top) / step)
    x = left + (np.arange(columns) + 0.5) * (right - left) / columns - 0.5
    y = top + (np.arange(rows) + 0.5) * (bottom - top) / rows - 0.5
    seen_x, seen_y, hit = _cast(height, pose, x, y)
    full = (right - left, bottom - top)
    map_x, map_y, cover = (cv2.resize(part, full) for part in (seen_x, seen_y, hit))
    return View(left, top, map_x, map_y, np.clip((cover - 0.4) * step + 0.5, 0, 1))  # type: ignore[arg-type]


def _cast(height: Floats, pose: Pose, x: Floats, y: Floats) -> tuple[Floats, Floats, Floats]:
    """Atlas pixels that rays through pixels `x` x `y` hit, and whether they hit."""
    across = ((x - pose.origin[0]) / pose.scale).astype(np.float32)
    down = ((y - pose.origin[1]) / pose.scale).astype(np.float32)
    first, second, third = pose.rotation
    start = across[None, :, None] * first + down[:, None, None] * second  # at depth 0
    depth = np.linspace(FRONT, BACK, STEPS, dtype=np.float32)[:, None, None]
    px = ((start[..., 0] - LEFT) * SCALE - 0.5)[None] + depth * (third[0] * SCALE)
    py = ((start[..., 1] - TOP) * SCALE - 0.5)[None] + depth * (third[1] * SCALE)
    z = start[..., 2][None] + depth * third[2]
    flat = (-1, px.shape[2])
    surface = cv2.remap(
        height, px.reshape(flat), py.reshape(flat), cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT,
        borderValue=(-2.0,),
    ).reshape(px.shape)  # fmt: skip
    above = np.maximum(z - surface, FLOOR - z)
    within = above < 0
    hit = within.any(0)
    at = np.where(hit, within.argmax(0), above.argmin(0))[None]
    before = np.maximum(at - 1, 0)
    near, far = (np.take_along_axis(above, index, 0)[0] for index in (before, at))
    # the crossing lies between two samples of the ray
    back = np.where(hit & (near > far), far / np.minimum(far - near, -1e-6), 0).astype(np.float32)
    back *= (FRONT - BACK) / (STEPS - 1)
    seen_x = np.take_along_axis(px, at, 0)[0] + back * (third[0] * SCALE)
    seen_y = np.take_along_axis(py, at, 0)[0] + back * (third[1] * SCALE)
    # the samples of a ray can miss what it only grazes: blurred, outlines are not jagged
    return seen_x, seen_y, np.asarray(cv2.blur(hit.astype(np.float32), (3, 3)), np.float32)
