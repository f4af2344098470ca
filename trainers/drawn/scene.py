"""What is around a synthetic face: background, body, hair behind it, glasses, hands, the camera."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from .brush import Colour, Picture, any_colour, colour, fixed, line, mixed, polygon, shaded
from .head import Floats, Generator, Pose, Shape
from .paint import Style

Points = NDArray[np.float64]


def background(rng: Generator, rows: int, columns: int) -> Picture:
    """A picture (rows, columns, 3) uint8 of walls, gardens, rooms and lights, none of them real."""
    if rng.random() < 0.2:
        picture = np.empty((rows, columns, 3), np.uint8)
        picture[:] = any_colour(rng)
    else:
        picture = _clouds(rng, rows, columns)
    kind = rng.random()
    if kind < 0.45:
        _shapes(rng, picture)
    elif kind < 0.6:
        _stripes(rng, picture)
    elif kind < 0.75:
        _add_texture(rng, picture)
    if rng.random() < 0.25:
        _strangers(rng, picture)
    blur = int(rng.choice([0, 3, 7, 15], p=[0.4, 0.2, 0.2, 0.2]))
    return cv2.blur(picture, (blur, blur)) if blur else picture  # type: ignore[return-value]


def _clouds(rng: Generator, rows: int, columns: int) -> Picture:
    cells = int(rng.choice([2, 3, 5, 9, 17]))
    base, spread = any_colour(rng), rng.uniform(5, 80)
    grid = (
        base + rng.normal(0, spread, (cells, cells, 1)) + rng.normal(0, spread / 5, (cells, cells, 3))
    )
    small = np.clip(grid, 0, 255).astype(np.uint8)
    way = cv2.INTER_NEAREST if rng.random() < 0.1 else cv2.INTER_LINEAR
    return cv2.resize(small, (columns, rows), interpolation=way)  # type: ignore[return-value]


def _shapes(rng: Generator, picture: Picture) -> None:
    rows, columns = picture.shape[:2]
    for _ in range(rng.integers(2, 14)):
        paint = any_colour(rng)
        centre, half = rng.uniform(0, 1, 2) * (columns, rows), rng.uniform(0.02, 0.35, 2) * columns
        kind = rng.random()
        if kind < 0.4:
            corners = centre + half * np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)])
            polygon(picture, corners, paint)
        elif kind < 0.6:
            polygon(picture, centre + rng.uniform(-1.5, 1.5, (4, 2)) * half, paint)
        elif kind < 0.8:
            angle = float(rng.uniform(0, 180))
            cv2.ellipse(picture, (tuple(centre), tuple(half * 2), angle), paint, -1, cv2.LINE_AA)
        else:
            line(picture, centre + rng.uniform(-3, 3, (3, 2)) * half, paint, rng.uniform(1, 10))


def _stripes(rng: Generator, picture: Picture) -> None:
    rows, columns = picture.shape[:2]
    paint, slant = any_colour(rng), rng.uniform(-0.4, 0.4)
    gap = rng.uniform(8, 50)
    upright = rng.random() < 0.6
    for start in np.arange(-columns, 2 * columns, gap):
        ends = np.array([(start, 0), (start + slant * rows, rows)])
        line(picture, ends if upright else ends[:, ::-1], paint, gap * rng.uniform(0.1, 0.5))


def _add_texture(rng: Generator, picture: Picture) -> None:
    """Leaves, crowds, brickwork: noise of middling grain."""
    rows, columns = picture.shape[:2]
    grain = rng.uniform(3, 16)
    size = (int(rows / grain) + 1, int(columns / grain / rng.uniform(0.5, 2)) + 1)
    coarse = cv2.resize(rng.normal(0, rng.uniform(10, 60), size).astype(np.float32), (columns, rows))
    picture[:] = cv2.add(picture, cv2.merge([coarse] * 3), dtype=cv2.CV_8U)


def _strangers(rng: Generator, picture: Picture) -> None:
    """Blurred heads in the background: skin below hair, but nothing to find in it."""
    rows, columns = picture.shape[:2]
    for _ in range(rng.integers(1, 4)):
        x, y, radius = rng.uniform(0, columns), rng.uniform(0, rows), rng.uniform(0.04, 0.14) * columns
        skin = np.array((120, 150, 205)) * rng.uniform(0.4, 1.15) + rng.normal(0, 10, 3)
        cv2.ellipse(picture, ((x, y - radius * 0.4), (radius * 2.2, radius * 2.6), 0), (25, 30, 40), -1)
        cv2.ellipse(picture, ((x, y), (radius * 1.8, radius * 2.4), 0), colour(skin), -1)
        shirt = ((x, y + radius * 3), (radius * 4.5, radius * 4), 0)
        cv2.ellipse(picture, shirt, any_colour(rng), -1)


def draw_body(rng: Generator, picture: Picture, shape: Shape, pose: Pose, style: Style) -> None:
    """Neck, shoulders and clothes. The body stays more upright than the head."""
    unit = pose.scale
    neck_top = pose.project(np.array((0, shape.chin - 0.75, -0.25), np.float32))
    below = pose.project(np.array((0, 2.6, -0.55), np.float32))
    base = np.array((below[0] * 0.6 + neck_top[0] * 0.4, neck_top[1] + rng.uniform(1.1, 1.55) * unit))
    half, wide = unit * rng.uniform(0.5, 0.8), unit * rng.uniform(1.9, 2.9)
    shade = shaded(style.skin, rng.uniform(0.45, 0.95))
    throat = [
        neck_top - (half, 0),
        neck_top + (half, 0),
        base + (half * 1.15, 0),
        base - (half * 1.15, 0),
    ]
    cloth = any_colour(rng)
    if rng.random() < 0.12:
        cloth = style.skin
    slope, bottom = rng.uniform(0.15, 0.6) * unit, unit * 8
    torso = [
        base + (-half * 1.1, -0.1 * unit), base + (half * 1.1, -0.1 * unit),
        base + (wide * 0.75, slope * 0.7), base + (wide, slope * 1.8), base + (wide, bottom),
        base + (-wide, bottom), base + (-wide, slope * 1.8), base + (-wide * 0.75, slope * 0.7),
    ]  # fmt: skip
    polygon(picture, torso, cloth)
    polygon(picture, throat, shade)
    dip = base + np.array((0, unit * rng.uniform(0.05, 1.0)))
    polygon(picture, [base - (half * 1.1, 0.1 * unit), base + (half * 1.1, -0.1 * unit), dip], shade)
    _clothes(rng, picture, base, dip, half, unit)


def _clothes(
    rng: Generator,
    picture: Picture,
    base: Points,
    dip: Points,
    half: float,
    unit: float,
) -> None:
    trim = any_colour(rng)
    if rng.random() < 0.4:  # a collar
        for side in (-1, 1):
            tip = dip + (side * half * 0.3, 0.35 * unit)
            polygon(picture, [base + (side * half * 1.15, -0.15 * unit), dip, tip], trim)
    if rng.random() < 0.15:  # a tie
        polygon(picture, dip + np.array([(-0.1, 0), (0.1, 0), (0.17, 3), (-0.17, 3)]) * unit, trim)
    if rng.random() < 0.25:  # stripes, lettering
        for row in range(rng.integers(1, 6)):
            y = base[1] + (0.9 + row * 0.35) * unit
            line(picture, [(base[0] - 1.2 * unit, y), (base[0] + 1.2 * unit, y)], trim, unit * 0.08)


def skull(picture: Picture, shape: Shape, pose: Pose, paint: Colour, grown: float) -> Floats:
    """The head behind the face as an ellipsoid; returns its outline (n, 2)."""
    middle = np.array((0, (shape.crown + 0.85) / 2, -0.35), np.float32)
    axes = np.array((shape.half_width * 1.0, (0.85 - shape.crown) / 2, 1.35)) + grown
    matrix = pose.rotation[:2] * axes * pose.scale
    # the outline of an ellipsoid seen from afar is an ellipse
    values, vectors = np.linalg.eigh(matrix @ matrix.T)
    angle = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    ring = np.column_stack((np.cos(angle), np.sin(angle))) * np.sqrt(values) @ vectors.T
    outline: Floats = (ring + pose.project(middle)).astype(np.float32)
    polygon(picture, outline, paint)
    return outline


def hair_behind(rng: Generator, picture: Picture, shape: Shape, pose: Pose, style: Style) -> None:
    """Skull, ears and the hair that falls behind the face."""
    dark = shaded(style.hair, rng.uniform(0.55, 1.0))
    if style.bald:
        skull(picture, shape, pose, shaded(style.skin, 0.8), -0.05)
    else:
        ring = skull(picture, shape, pose, dark, style.volume)
        tousled = rng.uniform(-1, 1, (len(ring), 1)) * rng.uniform(0, 0.15)
        polygon(picture, ring + (ring - ring.mean(0)) * tousled, dark)
        if style.long > 0.3:
            _fall(rng, picture, ring, shape, pose, style, dark)
        middle, edge = ring.mean(0), ring[rng.integers(0, len(ring), 8)]
        for point in middle + (edge - middle) * 0.9:
            shade = shaded(style.hair, rng.uniform(0.5, 1.4))
            curl = rng.normal(0, 0.15, (2, 2)) * pose.scale
            line(picture, np.vstack((point, (point + middle) / 2 + curl)), shade, pose.scale * 0.1)
    if style.long <= 0.3 or style.bald:
        _ears(picture, shape, pose, style)


def _fall(
    rng: Generator, picture: Picture, ring: Floats, shape: Shape, pose: Pose, style: Style, dark: Colour
) -> None:
    wide = shape.half_width + style.volume
    flare = rng.uniform(-0.2, 0.45)
    length = style.long
    lengths = np.array(
        [
            (side * x * (wide + flare), y, z)
            for side in (-1, 1)
            for x, y in ((1, length - rng.uniform(0.1, 0.5)), (0.7, length))
            for z in (-0.9, 0)
        ]
    )
    ends = pose.project(lengths.astype(np.float32))
    hull = cv2.convexHull(np.vstack((ring, ends)).astype(np.float32))[:, 0]
    polygon(picture, hull, dark)
    for _ in range(10):
        x = rng.uniform(-1, 1)
        z = -0.6 if abs(x) < 0.6 else 0.0
        strand = np.array([(x * wide, -0.8, z), (x * (wide + flare), style.long, z)], np.float32)
        shade = shaded(style.hair, rng.uniform(0.5, 1.4))
        line(picture, pose.project(strand), shade, pose.scale * rng.uniform(0.02, 0.12))


def _ears(picture: Picture, shape: Shape, pose: Pose, style: Style) -> None:
    outer = np.array([(0, -0.12), (0.16, -0.16), (0.2, 0.05), (0.13, 0.4), (0, 0.52)])
    inner = np.array([(0.03, 0), (0.12, -0.05), (0.13, 0.1), (0.05, 0.35)])
    for part, shade in ((outer, 0.88), (inner, 0.65)):
        for side in (-1, 1):
            x, y = side * (shape.half_width * 0.97 + part[:, 0]), part[:, 1]
            points = np.column_stack((x, y, np.full(len(part), -0.3))).astype(np.float32)
            polygon(picture, pose.project(points), shaded(style.skin, shade))


def glasses(rng: Generator, picture: Picture, pose: Pose, height: float) -> None:
    """Spectacles, some of them dark, `height` in front of the eyes' depth."""
    square, wide, tall = rng.uniform(2, 6), rng.uniform(0.3, 0.4), rng.uniform(0.18, 0.34)
    angle = np.linspace(0, 2 * np.pi, 16, endpoint=False)
    c, s = np.cos(angle), np.sin(angle)
    norm = (np.abs(c) ** square + np.abs(s) ** square) ** (-1 / square)
    paint = colour(rng.integers(0, 90, 3)) if rng.random() < 0.75 else any_colour(rng)
    opaque = rng.uniform(0.5, 1.0) if rng.random() < 0.3 else 0.0
    width = pose.scale * rng.uniform(0.02, 0.07)
    lenses = []
    for side in (-1, 1):
        ring = np.column_stack(
            (side * 0.5 + wide * c * norm, 0.04 + tall * s * norm, np.full(16, height))
        )
        lenses.append(pose.project(ring.astype(np.float32)))
    if opaque:
        tinted = picture.copy()
        cv2.fillPoly(tinted, [fixed(lens) for lens in lenses], paint, cv2.LINE_AA, 4)
        cv2.addWeighted(tinted, opaque, picture, 1 - opaque, 0, dst=picture)
    for lens in lenses:
        line(picture, lens, paint, width, closed=True)
    bridge = [(wide - 0.5, -0.02, height), (0, -0.06, height + 0.08), (0.5 - wide, -0.02, height)]
    line(picture, pose.project(np.array(bridge, np.float32)), paint, width)
    for side in (-1, 1):
        if side * pose.rotation[0, 2] > -0.3:  # the temple that the head does not hide
            temple = [(side * (0.5 + wide), 0, height), (side * 1.2, 0, -0.2)]
            line(picture, pose.project(np.array(temple, np.float32)), paint, width)


def hat(rng: Generator, picture: Picture, shape: Shape, pose: Pose) -> None:
    """A cap or a hat above the brow, its brim in front."""
    paint = any_colour(rng)
    edge, high = rng.uniform(-1.15, -0.75), rng.uniform(0, 0.35)
    angle = np.linspace(0, 2 * np.pi, 16, endpoint=False)
    wide, deep = shape.half_width * 1.06, shape.depth * 0.95
    ring = np.column_stack((wide * np.cos(angle), np.full(16, edge), deep * np.sin(angle) - 0.1))
    top = ring * (0.8, 0, 0.8) + (0, shape.crown - high, -0.1)
    crown = pose.project(np.vstack((ring, top)).astype(np.float32))
    polygon(picture, cv2.convexHull(crown)[:, 0], paint)
    brim = rng.uniform(0, 0.5)
    if brim > 0.1:
        front = rng.random() < 0.7
        reach = (
            np.where(ring[:, 2] > 0, ring[:, 2] + brim * np.sin(angle), 0)
            if front
            else ring[:, 2] * (1 + brim)
        )
        spread = ring[:, 0] * (1 if front else 1 + brim)
        disc = np.column_stack((spread, np.full(16, edge + 0.05), reach)).astype(np.float32)
        polygon(picture, pose.project(disc), mixed(paint, (0, 0, 0), 0.25))


def hands(rng: Generator, picture: Picture, shape: Shape, pose: Pose, style: Style) -> None:
    """A hand at the cheek or chin, or a thing held before the face's edge."""
    side = rng.choice([-1, 1])
    start = np.array((side * rng.uniform(0.6, 1.2), rng.uniform(0.9, 1.9), 0.9))
    paint = style.skin if rng.random() < 0.7 else any_colour(rng)
    away = np.array((side * rng.uniform(-0.3, 0.9), rng.uniform(0.6, 1.6), 0.0))
    for finger in range(rng.integers(1, 5)):
        base = start + np.array((0.17, 0.05, 0)) * finger * side
        points = pose.project(np.stack((base, base + away, base + 3 * away)).astype(np.float32))
        shade = shaded(paint, rng.uniform(0.75, 1.05))
        line(picture, points, shade, pose.scale * rng.uniform(0.13, 0.2))


def companion(rng: Generator, picture: Picture, ring: Floats) -> None:
    """Somebody behind the face whose outline is `ring`: the same head mirrored, in other colours.

    It is smaller, or cut by the picture's edge, so that there is one face to find.
    """
    rows, columns = picture.shape[:2]
    low, high = ring.min(0), ring.max(0)
    middle, half = (low + high) / 2, (high - low) / 2
    side = rng.choice((-1, 1))
    if rng.random() < 0.5:
        scale = rng.uniform(0.3, 0.6)
        x = middle[0] + side * half[0] * rng.uniform(1.6, 3)
    else:
        scale = rng.uniform(0.6, 1.2)
        x = (side > 0) * columns + half[0] * scale * rng.uniform(-0.3, 0.8) * side
    y = middle[1] + half[1] * rng.uniform(-0.5, 0.5)
    oval = half * (1.55, 1.45) * scale
    left, top = np.maximum((x, y) - oval, 0).astype(int).tolist()
    right, bottom = np.minimum((x, y) + oval + 1, (columns, rows)).astype(int).tolist()
    if right <= left or bottom <= top:
        return
    part = picture[top:bottom, left:right]
    turn = scale * np.array([(-1, 0), (0, 1)])
    matrix = np.column_stack((turn, (x - left, y - top) - turn @ middle))
    other = cv2.warpAffine(picture, matrix, part.shape[1::-1], borderMode=cv2.BORDER_REPLICATE)
    tint = rng.uniform(0.6, 1.15) * rng.uniform(0.85, 1.15, 3)
    other = np.clip(other * tint, 0, 255).astype(np.uint8)
    cover = np.zeros(part.shape[:2], np.uint8)
    cv2.ellipse(cover, ((x - left, y - top), (2 * oval).tolist(), 0), 255, -1)
    hidden = ((middle - (left, top)).tolist(), (half * (2.7, 2.8)).tolist(), 0)
    cv2.ellipse(cover, hidden, 0, -1)
    share = cv2.blur(cover, (5, 5)).astype(np.float32) / 255
    part[:] = cv2.blendLinear(other, part, share, 1 - share)


@lru_cache(2)
def _grain(side: int) -> NDArray[np.float32]:
    """One sheet of noise for all pictures; each takes another part of it."""
    return np.random.default_rng(0).normal(0, 1, (side, side, 3)).astype(np.float32)


def camera(rng: Generator, picture: Picture) -> Picture:
    """Exposure, colour, contrast, blur and grain, as a camera or an old print has them."""
    gain = rng.normal(1, 0.06, 3) * rng.uniform(0.7, 1.2)
    offset = rng.normal(-3, 9)
    levels = np.arange(256)[:, None] / 255
    curve = np.clip((levels ** rng.uniform(0.7, 1.4)) * gain * 255 + offset, 0, 255).astype(np.uint8)
    picture = cv2.LUT(picture, curve[None])  # type: ignore[assignment]
    if rng.random() < 0.08:
        grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
        picture = cv2.merge((grey, grey, grey))  # type: ignore[assignment]
    if rng.random() < 0.35:
        sigma = float(rng.uniform(0.4, 1.8))
        picture = cv2.GaussianBlur(picture, (5, 5), sigma)  # type: ignore[assignment]
    if rng.random() < 0.5:
        rows, columns = picture.shape[:2]
        sheet = _grain(max(rows, columns) + 64)
        y, x = rng.integers(0, 64, 2).tolist()
        noise = sheet[y : y + rows, x : x + columns]
        picture = cv2.scaleAdd(noise, float(rng.uniform(1, 9)), picture.astype(np.float32))  # type: ignore[assignment]
        picture = cv2.convertScaleAbs(np.maximum(picture, 0))  # type: ignore[assignment]
    return picture
