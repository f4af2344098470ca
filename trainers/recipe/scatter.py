"""Faces moved to any place and size, in front of other surroundings: see `ScatterParameter`.

Photographs for training are often cut around their faces. A net that learns from nothing else finds a
face where it always was; put into other pictures it may be anywhere.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from protoface.cascade.windows import sampling
from protoface.cascade.windows.window import Image, Window

from ..drawn import scene as synthetic_scene
from . import recipe_pb2
from .jitter import Floats
from .sources import Source

Generator = np.random.Generator
Mask = NDArray[np.uint8]
#: Drawn backgrounds, and the side of each in pixels.
BACKGROUNDS, SIDE = 1000, 96
#: Fewer pixels are no background.
LEAST_PART = 12
#: Part of the windows whose edges are covered; the others repeat them, as detection does.
COVERED = 0.9
#: Room of a face's middle to the left and right, above and below, in `face_size`s.
ROOM = 1.1, 1.25
#: Samples of the mask for each pixel, in both directions.
FINER = 3
#: How large other people's faces are, in those of the one that counts; and how many of them there are.
OTHERS, MOST = (0.25, 0.7), 3


def face_size(points: Floats) -> float:
    """Eye distance of points (5, 2), as it would be from the front: a turned face is not smaller."""
    eyes = math.dist(points[0], points[1])
    return max(eyes, 0.9 * math.dist(points[:2].mean(0), points[3:].mean(0)))


class Scatter:
    """Windows in which faces lie anywhere, and what covers such a window beyond its picture.

    `sources` lend parts of themselves. All chance comes from the generators given, but for the drawn
    backgrounds, which follow from `seed`.
    """

    def __init__(
        self, parameter: recipe_pb2.ScatterParameter, sources: Sequence[Source], seed: Sequence[int]
    ) -> None:
        self.parameter, self.sources = parameter, sources
        generator = np.random.default_rng([*seed])
        self.drawn = [synthetic_scene.background(generator, SIDE, SIDE) for _ in range(BACKGROUNDS)]

    def chooses(self, generator: Generator) -> bool:
        """Whether a face is to be put elsewhere."""
        return generator.random() < self.parameter.probability

    def window(self, generator: Generator, points: Floats, angle: float) -> Window:
        """A window, turned by `angle` degrees, that holds the whole face of five points somewhere."""
        options, size = self.parameter, face_size(points)
        least, greatest = math.log(options.least_eyes), math.log(options.greatest_eyes)
        side = size / math.exp(generator.uniform(least, greatest))
        stretch = math.exp(generator.normal(0, options.aspect) / 2)
        width, height = side * stretch, side / stretch
        x, y = (
            generator.uniform(margin, 1 - margin) - 0.5
            for room, length in zip(ROOM, (width, height), strict=True)
            for margin in (min(room * size / length, 0.5),)
        )
        turned = Window(0, 0, width, height, angle)
        cos, sin = turned.direction
        across, down = x * width, y * height
        middle = points.mean(0) - (across * cos - down * sin, across * sin + down * cos)
        left, top = middle - ((width - 1) / 2, (height - 1) / 2)
        return Window(float(left), float(top), width, height, angle)

    def cover(self, generator: Generator, part: Image, source: Source, window: Window) -> Image:
        """`part`, the pixels of a window of `source`, with other surroundings beyond its picture."""
        if generator.random() >= COVERED:
            return part
        rows, columns = part.shape[:2]
        seen = _outline(generator, source)
        matrix = sampling.sampling_matrix(source.seen(window), rows * FINER, columns * FINER)
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        fine = cv2.warpAffine(seen, matrix, (columns * FINER, rows * FINER), flags=flags)
        mask: Mask = cv2.resize(fine, (columns, rows), interpolation=cv2.INTER_AREA)  # type: ignore[assignment]
        if mask.min() == 255:
            return part
        picture = self.surroundings(generator, rows, columns)
        if self.parameter.others and generator.random() < self.parameter.others:
            size = face_size(source.five) * columns / window.width
            for _ in range(generator.integers(1, MOST + 1)):
                self._add_person(generator, picture, size * float(generator.uniform(*OTHERS)))
        return _mixed(part, picture, mask)

    def surroundings(self, generator: Generator, rows: int, columns: int) -> Image:
        """A picture (rows, columns, 3) without a face: one texture, and up to four patches on it."""
        picture = np.ascontiguousarray(self._any(generator, rows, columns))
        for _ in range(generator.choice((0, 1, 2, 4), p=(0.35, 0.25, 0.25, 0.15))):
            width = int(generator.uniform(0.12, 0.7) * columns)
            height = int(generator.uniform(0.12, 0.7) * rows)
            left = int(generator.integers(-width // 2, columns - width // 2))
            top = int(generator.integers(-height // 2, rows - height // 2))
            _put(picture, self._any(generator, height, width), left, top)
        return picture

    def _add_person(self, generator: Generator, picture: Image, size: float) -> None:
        """Put a photograph, or what is cut out of it, anywhere; its face has that many pixels."""
        source = self._source(generator)
        x, y, own = _face(source)
        height, width = (max(1, round(side * size / own)) for side in source.pixels.shape[:2])
        middle = generator.uniform(0, 1, 2) * (picture.shape[1], picture.shape[0])
        left, top = np.rint(middle - np.array((x, y)) * size / own).astype(int)
        mask = _resized(_outline(generator, source), height, width)
        _put(picture, _resized(source.pixels, height, width), left, top, mask)

    def _any(self, generator: Generator, rows: int, columns: int) -> Image:
        make = self._texture if generator.random() < 0.7 else self._faceless
        return make(generator, rows, columns)

    def _source(self, generator: Generator) -> Source:
        return self.sources[int(generator.integers(len(self.sources)))]

    def _texture(self, generator: Generator, rows: int, columns: int) -> Image:
        """A part of a drawn background, or of a photograph beside its face."""
        part = None
        if generator.random() < 0.5:
            part = _beside(generator, self._source(generator))
        if part is None:
            drawn = self.drawn[generator.integers(BACKGROUNDS)]
            side = int(generator.integers(SIDE // 4, SIDE + 1))
            top, left = generator.integers(0, SIDE - side + 1, 2)
            part = drawn[top : top + side, left : left + side]
        if generator.random() < 0.5:
            part = part[:, ::-1]
        return _resized(part, rows, columns)

    def _faceless(self, generator: Generator, rows: int, columns: int) -> Image:
        """A photograph whose face and hair are covered by a texture."""
        source = self._source(generator)
        height, width = source.pixels.shape[:2]
        x, y, size = _face(source)
        hidden = np.zeros((height, width), np.uint8)
        _ellipse(hidden, x, y - 0.3 * size, 3 * size, 4.6 * size)
        texture = self._texture(generator, height, width)
        hidden = cv2.blur(hidden, (5, 5))  # type: ignore[assignment]
        return _resized(_mixed(texture, source.pixels, hidden), rows, columns)


def _face(source: Source) -> tuple[float, float, float]:
    """Middle (x, y) and size of a source's face, in its own pixels."""
    x, y = (source.five.mean(0) - (source.left, source.top)) / source.factor
    return float(x), float(y), face_size(source.five) / source.factor


def _beside(generator: Generator, source: Source) -> Image | None:
    """The part of a source to the left, right, above or below its face, the larger the more often."""
    height, width = source.pixels.shape[:2]
    x, y, size = _face(source)
    left, right = (int(np.clip(x + way * 1.5 * size, 0, width)) for way in (-1, 1))
    top, bottom = (int(np.clip(y + way * size, 0, height)) for way in (-2, 1.6))
    parts = (
        source.pixels[:, :left],
        source.pixels[:, right:],
        source.pixels[:top],
        source.pixels[bottom:],
    )
    large = [part for part in parts if min(part.shape[:2]) >= LEAST_PART]
    if not large:
        return None
    areas = np.array([part.size for part in large], np.float64)
    return large[generator.choice(len(large), p=areas / areas.sum())]


def _outline(generator: Generator, source: Source) -> Mask:
    """255 where a source is kept: all of it, head and shoulders, or the head alone."""
    height, width = source.pixels.shape[:2]
    kind = generator.random()
    if kind < 0.5:
        return np.full((height, width), 255, np.uint8)
    seen = np.zeros((height, width), np.uint8)
    x, y, size = _face(source)
    across, down = generator.uniform((2.5, 3.4), (4.4, 5.2)) * size
    _ellipse(seen, x, y - 0.25 * size, float(across), float(down))
    if kind < 0.8:
        half, neck = generator.uniform((1.2, 1.3), (3.0, 2.0)) * size
        low = y + neck + 0.5 * size
        sides = [(0.4 * half, y), (half, low), (half, height)]
        torso = [*((x + dx, dy) for dx, dy in sides), *((x - dx, dy) for dx, dy in reversed(sides))]
        cv2.fillPoly(seen, [np.array(torso).astype(np.int32)], 255)
    return seen


def _ellipse(plane: Mask, x: float, y: float, width: float, height: float) -> None:
    cv2.ellipse(plane, ((x, y), (width, height), 0), 255, -1)


def _put(picture: Image, patch: Image, left: int, top: int, mask: Mask | None = None) -> None:
    """Lay a patch over a picture from that column and row on, where the mask is 255 and it has room."""
    rows, columns = picture.shape[:2]
    inside = slice(max(-top, 0), max(rows - top, 0)), slice(max(-left, 0), max(columns - left, 0))
    patch, top, left = patch[inside], max(top, 0), max(left, 0)
    place = slice(top, top + len(patch)), slice(left, left + patch.shape[1])
    if patch.size:
        picture[place] = patch if mask is None else _mixed(patch, picture[place], mask[inside])


def _mixed(above: Image, below: Image, mask: Mask) -> Image:
    """`above` where the mask (rows, columns) is 255, `below` where it is 0."""
    weight = mask.astype(np.float32) / 255
    return cv2.blendLinear(above, below, weight, 1 - weight)  # type: ignore[return-value]


def _resized(part: Image, rows: int, columns: int) -> Image:
    shrinks = part.shape[0] > rows and part.shape[1] > columns
    way = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return cv2.resize(part, (columns, rows), interpolation=way)  # type: ignore[return-value]
