"""The skin of a synthetic face: its atlas painted and lit, seen from nowhere yet."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from .brush import FULL, SHIFT, Colour, Picture, blend, colour, fixed, line, mixed, noise, polygon
from .features import MET, PARTED, Brow, Features, draw_brow, lids, lips, nostril, pupil, wing
from .head import COLUMNS, ROWS, SCALE, XS, YS, Floats, Generator, Shape, atlas_pixels

# Blue, green, red from light to dark; a face's tone lies between two neighbours.
_TONES = np.array(
    [
        (198, 208, 242), (166, 184, 234), (138, 166, 226), (116, 148, 210),
        (94, 126, 190), (72, 100, 160), (52, 74, 124), (38, 52, 90),
    ], np.float32,
)  # fmt: skip
_HAIR = np.array(
    [(20, 18, 18), (30, 34, 42), (32, 44, 66), (40, 62, 98), (70, 110, 150), (120, 170, 205),
     (40, 70, 140), (165, 165, 165), (215, 215, 215)], np.float32,
)  # fmt: skip
_HAIR_SHARE = (0.25, 0.2, 0.17, 0.1, 0.08, 0.08, 0.04, 0.05, 0.03)
_IRIS = ((30, 40, 60), (40, 60, 90), (60, 90, 100), (130, 110, 80), (90, 100, 70), (20, 25, 35))


@dataclass(frozen=True)
class Style:
    """What a face looks like apart from its shape. Colours are blue, green, red, 0 to 255."""

    skin: Colour
    hair: Colour
    bald: bool
    long: float  # how far hair falls, in eye distances below the eyes; below 0.3 it is short
    fringe: float  # height of the hairline's middle
    parting: float
    sweep: float
    volume: float
    beard: bool
    moustache: float  # how thick moustache and beard are, 0 to 1
    made_up: float


def draw_style(rng: Generator) -> Style:
    """The looks of one face, and no look tied to another one except hair to beards."""
    position = rng.uniform(0, len(_TONES) - 1.001) if rng.random() < 0.4 else rng.uniform(0, 3)
    low = int(position)
    flush = rng.normal(0, 8) * np.array((-0.5, -0.8, 0.7))
    skin = (
        _TONES[low] + (position - low) * (_TONES[low + 1] - _TONES[low]) + rng.normal(0, 5, 3) + flush
    )
    hair = _HAIR[rng.choice(len(_HAIR), p=_HAIR_SHARE)] * rng.uniform(0.7, 1.25) + rng.normal(0, 5, 3)
    if rng.random() < 0.03:
        hair = rng.uniform(0, 255, 3)
    bearded = bool(rng.random() < 0.25)
    return Style(
        skin=colour(skin),
        hair=colour(hair),
        bald=bool(rng.random() < 0.07),
        long=float(rng.choice([rng.uniform(-0.4, 0.3), rng.uniform(0.8, 3.2)])),
        fringe=float(
            rng.choice([rng.uniform(-1.35, -0.85), rng.uniform(-0.75, -0.28)], p=[0.68, 0.32])
        ),
        parting=float(rng.uniform(-0.7, 0.7)),
        sweep=float(rng.uniform(0.05, 0.9)),
        volume=float(rng.uniform(0.02, 0.45)),
        beard=bearded,
        moustache=float(rng.uniform(0.2, 0.95)) if bearded or rng.random() < 0.06 else 0.0,
        made_up=float(max(0, rng.uniform(-1, 1))),
    )


def paint_face(
    rng: Generator, shape: Shape, style: Style, height: Floats, light: Floats
) -> tuple[Picture, Features]:
    """The atlas (ROWS, COLUMNS, 3) uint8 of a face, and what chance has added to its features.

    The light comes from the direction `light` (3,).
    """
    skin = np.empty((ROWS, COLUMNS, 3), np.uint8)
    skin[:] = style.skin
    _beard(rng, skin, shape, style)
    _folds(rng, skin, shape, style)
    _mouth(rng, skin, shape, style)
    _nostrils(skin, shape, style)
    gaze = rng.normal(0, 0.035, 2)
    iris = colour(np.array(_IRIS[rng.integers(len(_IRIS))]) * rng.uniform(0.6, 1.3))
    opening = 0.0 if rng.random() < 0.06 else float(np.clip(rng.normal(0.088, 0.022), 0.035, 0.15))
    opening -= 0.03 * max(shape.smile, 0)
    white = float(rng.uniform(0.1, 0.7))  # how much the whites of the eyes are in the lids' shadow
    strength = rng.uniform(0.25, 0.95)
    brow = draw_brow(rng)
    for side in (-1, 1):
        _eye(skin, style, side, opening, gaze, iris, white)
        _brow(skin, shape, style, brow, side, strength)
    hair = np.zeros((ROWS, COLUMNS), np.uint8)
    curve = None if style.bald else hairline(rng, style, shape)
    if curve is not None:
        cv2.fillPoly(hair, [fixed(atlas_pixels(curve))], 255, cv2.LINE_AA, SHIFT)
    features = Features(opening, gaze, brow, curve)
    return _lit(rng, skin, hair, style, shape, height, light), features


def _at(points: ArrayLike) -> Floats:
    return atlas_pixels(np.asarray(points, np.float32))


def _ellipse(
    skin: Picture, centre: tuple[float, float], half: tuple[float, float], paint: Colour
) -> None:
    polygon(skin, _at(np.array(centre) + _circle(12) * half), paint)


@lru_cache(4)
def _circle(corners: int) -> NDArray[np.float64]:
    angle = np.linspace(0, 2 * np.pi, corners, endpoint=False)
    return np.column_stack((np.cos(angle), np.sin(angle)))


def _eye(
    skin: Picture,
    style: Style,
    side: int,
    opening: float,
    gaze: NDArray[np.float64],
    iris: Colour,
    white: float,
) -> None:
    upper, lower = lids(side, opening)
    lower = lower[::-1]
    lash = mixed(style.skin, (15, 15, 20), 0.6 + 0.35 * style.made_up)
    thick = 1 + (style.made_up > 0.3) + (white > 0.4)
    if style.made_up > 0.3:
        shadow = upper - (0, 0.09)
        polygon(skin, _at(np.vstack((upper, shadow[::-1]))), mixed(style.skin, (60, 40, 50), 0.45))
    if opening > MET:
        almond = _at(np.vstack((upper, lower)))
        polygon(skin, almond, mixed((215, 215, 220), style.skin, white))
        left, top = np.floor(almond.min(0)).astype(int) - 1
        right, bottom = np.ceil(almond.max(0)).astype(int) + 2
        part = skin[top:bottom, left:right]
        open_part = np.zeros(part.shape[:2], np.uint8)
        cv2.fillPoly(open_part, [fixed(almond - (left, top))], 255, cv2.LINE_AA, SHIFT)
        ball = skin.copy()[top:bottom, left:right]
        offset = _at([pupil(side, gaze)])[0] - (left, top)
        polygon(ball, offset + _circle(12) * 0.1 * SCALE, iris)
        polygon(ball, offset + _circle(12) * 0.045 * SCALE, (8, 8, 8))
        cv2.circle(
            ball, tuple(np.round(offset + (1, -1.5)).astype(int).tolist()), 0, (255, 255, 255), -1
        )
        cv2.copyTo(ball, open_part, part)
    line(skin, _at(upper), lash, thick if opening > MET else 2)
    line(skin, _at(upper - (0, 0.07)), mixed(style.skin, (30, 30, 60), 0.3), 1)
    line(skin, _at(lower + (0, 0.015)), mixed(style.skin, (30, 30, 60), 0.25), 1)


def _brow(skin: Picture, shape: Shape, style: Style, brow: Brow, side: int, strength: float) -> None:
    upper, lower = brow.edges(shape, side)
    paint = mixed(style.skin, mixed(style.hair, (15, 20, 25), 0.4), strength)
    polygon(skin, _at(np.vstack((upper, lower[::-1]))), paint)


def _nostrils(skin: Picture, shape: Shape, style: Style) -> None:
    dark = mixed(style.skin, (15, 15, 35), 0.65)
    for side in (-1, 1):
        _ellipse(skin, *nostril(shape, side), dark)
        line(skin, _at(wing(shape, side)), mixed(style.skin, (20, 20, 60), 0.35), 1)


def _mouth(rng: Generator, skin: Picture, shape: Shape, style: Style) -> None:
    red = (60, 50, 190) if style.made_up > 0.3 else (90, 90, 180)
    paint = mixed(style.skin, red, rng.uniform(0.15, 0.5) + 0.35 * style.made_up)
    curves = lips(shape)
    between, gap = curves.above_gap, curves.below_gap
    polygon(skin, _at(np.vstack((curves.top, curves.bottom[::-1]))), paint)
    if shape.opened > PARTED:
        polygon(skin, _at(np.vstack((between, gap[::-1]))), mixed((20, 20, 50), style.skin, 0.1))
        if rng.random() < 0.85:
            x, y = between.T
            bend = 1 - np.square(np.linspace(-1, 1, len(x)))
            teeth = np.column_stack((x, y + np.minimum(shape.opened, rng.uniform(0.08, 0.2)) * bend))
            polygon(skin, _at(np.vstack((between, teeth[::-1]))[1:-1]), (215, 225, 230))
    else:
        line(skin, _at(between), mixed(paint, (20, 20, 50), 0.6), 1)
    for end in (between[:2], between[-2:]):
        line(skin, _at(end), mixed(style.skin, (20, 20, 50), 0.45), 1)


def _folds(rng: Generator, skin: Picture, shape: Shape, style: Style) -> None:
    strength = float(np.clip(rng.uniform(-0.1, 0.3) + 0.25 * shape.smile, 0, 0.5))
    if strength < 0.05:
        return
    shade = mixed(style.skin, (30, 30, 70), strength)
    wide, corner = shape.mouth_half_width, shape.corners
    for side in (-1, 1):
        fold = [(0.3, shape.nose), (0.46, shape.nose + 0.14), (wide + 0.12, corner)]
        line(skin, _at([(side * x, y) for x, y in fold]), shade, 1)
        line(skin, _at([(side * 0.32, 0.2), (side * 0.5, 0.25), (side * 0.68, 0.2)]), shade, 1)


def _beard(rng: Generator, skin: Picture, shape: Shape, style: Style) -> None:
    """Beard and moustache, thin where they end: cheeks, throat and lip show through."""
    if not style.moustache:
        return
    mouth, chin, half = shape.mouth, shape.chin, shape.mouth_half_width + 0.06
    cover = np.zeros((ROWS, COLUMNS), np.uint8)
    if style.beard:
        cheek = rng.uniform(0.3, 1.0)
        side = [
            (-1.3, 0.1), (-0.9, 0.2 + 0.3 * cheek), (-0.7, 0.45 + 0.4 * cheek),
            (-0.5, mouth - 0.2 + 0.15 * cheek), (-0.3, mouth + 0.15),
        ]  # fmt: skip
        if rng.random() < 0.35:  # on the chin alone
            side = [(-0.36, mouth + 0.05), (-0.3, mouth + 0.15)]
        below = abs(side[0][0])
        ends = [(below, chin + 0.3), (-below, chin + 0.3)]
        polygon(cover, _at([*side, *[(-x, y) for x, y in reversed(side)], *ends]), FULL)
    lip = [(0, mouth - 0.24), (half * 0.6, mouth - 0.18), (half, mouth + 0.05), (0, mouth + 0.02)]
    lip += [(-half, mouth + 0.05), (-half * 0.6, mouth - 0.18)]
    polygon(cover, _at(lip), FULL)
    thick = noise(rng, 48, 36, (ROWS, COLUMNS), 0.25) * style.moustache
    blend(skin, style.hair, cover, thick)


def hairline(rng: Generator, style: Style, shape: Shape) -> Floats:
    """The outline (n, 2) of hair on the atlas: a curve above the brow and down both sides."""
    ends = (shape.half_width * rng.uniform(0.7, 0.97, 2) * (-1, 1)).tolist()
    x = np.linspace(ends[0], ends[1], 21)
    deep = style.fringe > -0.8
    y = style.fringe + style.sweep * np.square(x - style.parting) * (0.6 if deep else 0.45)
    if deep:  # strands of a fringe
        y = np.minimum(y + rng.uniform(-0.12, 0.08, len(x)), -0.18 + 0.5 * np.abs(x))
    else:
        y = y + rng.uniform(-0.05, 0.05, len(x))
    down = style.long if style.long > 0.3 else 0.25 + style.long
    inner = 0.6 if style.long > 0.3 else 0.85  # long hair may hang before the cheeks
    left, right = (
        np.column_stack(
            (
                np.linspace(end, np.sign(end) * shape.half_width * rng.uniform(inner, 1.05), 6)
                + rng.normal(0, 0.03, 6),
                np.linspace(top, down, 6),
            )
        )
        for end, top in zip(ends, (y[0], y[-1]), strict=True)
    )
    corners = [(1.4, down), (1.4, -2.1), (-1.4, -2.1), (-1.4, down)]
    return np.vstack((left[::-1], np.column_stack((x, y)), right, corners)).astype(np.float32)


@lru_cache(1)
def _cheeks() -> Floats:
    """Where skin is redder: cheeks and nose, (ROWS, COLUMNS) 0 to 1."""
    spots = sum(
        np.outer(
            np.exp(-0.5 * np.square((YS - 0.55) / 0.22)), np.exp(-0.5 * np.square((XS - x) / 0.24))
        )
        for x in (-0.62, 0, 0.62)
    )
    return np.asarray(spots, np.float32)


def _lit(
    rng: Generator,
    skin: Picture,
    hair: Picture,
    style: Style,
    shape: Shape,
    height: Floats,
    light: Floats,
) -> Picture:
    """Hair laid over the skin, and both under the light."""
    size = (ROWS, COLUMNS)
    soft = cv2.blur(hair, (7, 7)).astype(np.float32) / 255
    raised = np.asarray(height + 0.12 * soft, np.float32)
    shade = shading(rng, raised, light)
    tone = shade * noise(rng, 8, 6, size, 0.06)
    red = 1 + _cheeks() * float(rng.uniform(0, 0.18))
    face = cv2.multiply(skin, cv2.merge((tone, tone, tone * red)), dtype=cv2.CV_8U)
    strands = cv2.blur(noise(rng, 12, 48, size, 0.35), (3, 3))
    lock = cv2.multiply(shade, strands)
    cover = cv2.blur(hair, (3, 3)).astype(np.float32) / 255
    locks = np.empty((ROWS, COLUMNS, 3), np.uint8)
    locks[:] = style.hair
    locks = cv2.multiply(locks, cv2.merge((lock, lock, lock)), dtype=cv2.CV_8U)  # type: ignore[assignment]
    return cv2.blendLinear(locks, face, cover, 1 - cover)  # type: ignore[return-value]


def shading(rng: Generator, height: Floats, light: Floats) -> Floats:
    """Brightness (ROWS, COLUMNS) of the surface: ambient, diffuse, hollows and shadows cast."""
    smooth = cv2.blur(height, (3, 3))
    slope_x = cv2.Sobel(smooth, cv2.CV_32F, 1, 0, scale=SCALE / 8)
    slope_y = cv2.Sobel(smooth, cv2.CV_32F, 0, 1, scale=SCALE / 8)
    length = np.sqrt(1 + slope_x * slope_x + slope_y * slope_y)
    diffuse = np.maximum((light[2] - slope_x * light[0] - slope_y * light[1]) / length, 0)
    ambient = float(rng.uniform(0.3, 0.85))
    hollow = np.clip((cv2.blur(height, (17, 17)) - height) * float(rng.uniform(0.7, 2)), -0.15, 0.45)
    shade = ambient + (1.08 - ambient) * diffuse * _shadow(height, light, float(rng.uniform(0.2, 1)))
    shine = np.maximum(diffuse - 0.86, 0) * float(rng.uniform(0, 3))
    return np.asarray((shade + shine) * (1 - hollow), np.float32)


def _shadow(height: Floats, light: Floats, strength: float) -> Floats:
    """1 where light arrives, less where the surface towards the light is higher."""
    blocked = np.zeros_like(height)
    for distance in (0.12, 0.26, 0.42):
        shift = np.array([[1, 0, light[0] * distance * SCALE], [0, 1, light[1] * distance * SCALE]])
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        ahead = cv2.warpAffine(
            height, shift, (COLUMNS, ROWS), flags=flags, borderMode=cv2.BORDER_REPLICATE
        )
        climb = distance * max(float(light[2]), 0.25)
        np.maximum(blocked, ahead - height - climb, out=blocked)
    return 1 - strength * np.clip(cv2.blur(blocked, (5, 5)) * 6, 0, 1)
