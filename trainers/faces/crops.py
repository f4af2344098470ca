"""Crops of scenes for a face finder: parts of pictures at random scales, faces pasted into others."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from protoface.cascade.windows.window import Image

from .face_scene import Floats, Scene

Generator = np.random.Generator
#: How often pictures are halved beforehand, so that resampling does not skip pixels.
HALVES = 2
#: Where only one face is known: how much of its surroundings is kept, and how much of it can be trusted
#: to show no other face, in sides of its box.
KEPT, TRUSTED = 2.2, 1.5
#: The longer side, pixels, of a box in a picture of which only its surroundings are kept.
LARGEST_KEPT = 128
#: Faces of which less than this is in the crop, or uncovered, are ignored; those covered but for LOST
#: are gone.
SEEN, LOST = 0.6, 0.2
#: Pictures are enlarged by no more than this: what is in them would look like nothing in a real one.
MOST_ZOOM = 2.0
#: Scales of crops that are not made around a face.
SCALES = 0.5, 1.4


@dataclass(frozen=True)
class CropOptions:
    """Random choices. Sides of faces in a crop of `side` pixels are in `least` .. `greatest`.

    Smaller ones than `smallest` are neither faces nor background. `focus`: the probability that a crop
    is made around a face, `paste`: that a face whose picture is not complete is put into it. `turn` and
    `pasted_turn` are sigmas in degrees, `aspect` one of a logarithm.
    """

    side: int = 256
    least: float = 8
    greatest: float = 190
    smallest: float = 6
    focus: float = 0.75
    paste: float = 0.3
    turn: float = 4
    pasted_turn: float = 14
    aspect: float = 0.07


@dataclass(frozen=True, eq=False)
class Crop:
    """A part of a picture: `pixels` (side, side, 3) BGR.

    `boxes` (n, 4) are left, top, right, bottom in pixels from the edge of the first, `points` (n, 5, 2)
    from its centre, NaN where unknown. `known` (side, side): where a face that is not listed is none.
    """

    pixels: Image
    boxes: Floats
    points: Floats
    known: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Source:
    """A scene with its pixels: `halves[k]` is the picture halved k times."""

    halves: tuple[Image, ...]
    boxes: Floats
    points: Floats
    ignored: NDArray[np.bool_]
    complete: bool

    @property
    def size(self) -> Floats:
        """Width and height in pixels."""
        return np.array(self.halves[0].shape[1::-1], np.float64)


def make_source(scene: Scene, picture: Image) -> Source:
    """A scene as it is kept in memory; of one that is not complete only its face and what is around."""
    boxes, points = scene.boxes, scene.points
    if not scene.complete:
        picture, factor, corner = _around(picture, boxes[0])
        boxes = (boxes - (*corner, 0, 0)) * factor
        points = (points + 0.5 - corner) * factor - 0.5
    halves = [np.ascontiguousarray(picture)]
    for _ in range(HALVES):
        rows, columns = (max(length // 2, 1) for length in halves[-1].shape[:2])
        halves.append(cv2.resize(halves[-1], (columns, rows), interpolation=cv2.INTER_AREA))
    return Source(tuple(halves), boxes, points, scene.ignored, scene.complete)


def _around(picture: Image, box: Floats) -> tuple[Image, float, NDArray[np.int64]]:
    """The part of a picture around a box, the factor by which it is shrunk, and its corner."""
    middle, size = box[:2] + box[2:] / 2, box[2:]
    first = np.clip(np.floor(middle - KEPT * size / 2), 0, None).astype(np.int64)
    last = np.clip(np.ceil(middle + KEPT * size / 2), 1, picture.shape[1::-1]).astype(np.int64)
    part = picture[first[1] : last[1], first[0] : last[0]]
    factor = min(1.0, LARGEST_KEPT / size.max())
    if factor < 1:
        part = cv2.resize(part, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    return part, factor, first


class Cropper:
    """Makes crops of scenes; faces of those with one known face go into the others."""

    def __init__(self, options: CropOptions) -> None:
        self.options = options

    def crop(self, source: Source, pasted: Source | None, generator: Generator) -> Crop:
        """A crop of a complete scene, with the face of another one put into it, or not."""
        move = self._move(source, generator)
        crop = self._seen(source, move)
        if pasted is None:
            return crop
        return self._with(crop, pasted, generator)

    def _move(self, source: Source, generator: Generator) -> Floats:
        """The affine map (2, 3) from a picture's pixels, from the edge, to the crop's."""
        options = self.options
        faces = np.flatnonzero(~source.ignored & (source.boxes[:, 2:].min(axis=1, initial=np.inf) > 3))
        aspect = np.exp(generator.normal(0, options.aspect) * np.array((0.5, -0.5)))
        fills = min(
            options.side / source.size.max(), MOST_ZOOM
        )  # no smaller, there is nothing around it
        if len(faces) and generator.random() < options.focus:
            box = source.boxes[generator.choice(faces)]
            wanted = np.exp(generator.uniform(*np.log((options.least, options.greatest))))
            scale = np.clip(wanted / np.sqrt(box[2] * box[3]), fills, MOST_ZOOM) * aspect
            middle, margin = box[:2] + box[2:] / 2, np.minimum(scale * box[2:] / 2, options.side / 2)
            place = generator.uniform(margin, options.side - margin)
        else:
            scale = max(np.exp(generator.uniform(*np.log(SCALES))), fills) * aspect
            middle, place = generator.random(2) * source.size, generator.random(2) * options.side
        room = options.side - scale * source.size  # negative where the picture is larger than the crop
        corner = np.clip(place - scale * middle, np.minimum(room, 0), np.maximum(room, 0))
        return _affine(
            source.size / 2,
            corner + scale * source.size / 2,
            scale,
            generator.normal(0, options.turn),
            generator.random() < 0.5,
            options.side,
        )

    def _seen(self, source: Source, move: Floats) -> Crop:
        side = self.options.side
        boxes, points = _moved(source.boxes, move), _moved_points(source.points, move)
        crop = Crop(_warped(source, move, side), boxes, points, np.ones((side, side), np.bool_))
        return self._kept(crop, source.ignored)

    def _kept(self, crop: Crop, ignored: NDArray[np.bool_]) -> Crop:
        """A crop with the faces that can be seen in it; where there are others, nothing is known."""
        side, boxes = self.options.side, crop.boxes
        inside = np.clip(boxes, 0, side)
        sizes, seen = boxes[:, 2:] - boxes[:, :2], inside[:, 2:] - inside[:, :2]
        share = seen.prod(axis=1) / np.maximum(sizes.prod(axis=1), 1e-9)
        small = np.sqrt(np.maximum(seen.prod(axis=1), 0)) < self.options.smallest
        dropped = ignored | small | (share < SEEN)
        for box in inside[dropped]:
            _fill(crop.known, box, False)
        return Crop(crop.pixels, inside[~dropped], crop.points[~dropped], crop.known)

    def _with(self, crop: Crop, pasted: Source, generator: Generator) -> Crop:
        """A crop over which the part of a picture with one known face is laid."""
        options = self.options
        box = pasted.boxes[0]
        wanted = np.exp(generator.uniform(*np.log((options.least, options.greatest))))
        scale = min(wanted / np.sqrt(box[2] * box[3]), MOST_ZOOM)
        aspect = np.exp(generator.normal(0, options.aspect) * np.array((0.5, -0.5)))
        margin = np.minimum(scale * box[2:] * 0.6, options.side / 2)
        place = generator.uniform(margin, options.side - margin)
        move = _affine(
            box[:2] + box[2:] / 2,
            place,
            scale * aspect,
            generator.normal(0, options.pasted_turn),
            generator.random() < 0.5,
            None,
        )
        side = options.side
        over = _cover(pasted, move, side)
        pixels = cv2.copyTo(_warped(pasted, move, side), over.view(np.uint8), crop.pixels.copy())
        lost, hidden = self._hidden(crop.boxes, over)
        for other in crop.boxes[hidden]:
            _fill(crop.known, other, False)
        known, face = crop.known & ~over, _moved(pasted.boxes, move)
        middle, half = (face[0, :2] + face[0, 2:]) / 2, (face[0, 2:] - face[0, :2]) / 2
        trusted = np.zeros_like(over)
        _fill(trusted, np.concatenate((middle - TRUSTED * half, middle + TRUSTED * half)), True)
        laid = Crop(pixels, face, _moved_points(pasted.points, move), known | (over & trusted))
        laid, stay = self._kept(laid, pasted.ignored), ~(lost | hidden)
        return Crop(
            laid.pixels,
            np.concatenate((crop.boxes[stay], laid.boxes)),
            np.concatenate((crop.points[stay], laid.points)),
            laid.known,
        )

    def _hidden(
        self, boxes: Floats, over: NDArray[np.bool_]
    ) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Which of the boxes (n) are covered, and which are covered in part."""
        shares = np.array([over[_part(box, len(over))].mean() for box in boxes])
        return shares > 1 - LOST, (shares > 1 - SEEN) & (shares <= 1 - LOST)


def _affine(
    centre: Floats, place: Floats, scale: Floats, turn: float, mirror: bool, side: int | None
) -> Floats:
    """The map (2, 3) that carries `centre` to `place`, scaled, turned by degrees, and mirrored.

    Mirrored is the crop of that `side`; without one what lies around the place.
    """
    radians = np.deg2rad(turn)
    rotation = np.array(((np.cos(radians), -np.sin(radians)), (np.sin(radians), np.cos(radians))))
    matrix = rotation * scale
    if mirror:
        matrix = matrix * ((-1,), (1,))
        place = place if side is None else np.array((side - place[0], place[1]))
    return np.concatenate((matrix, (place - matrix @ centre)[:, None]), axis=1)


def _moved(boxes: Floats, move: Floats) -> Floats:
    """Boxes (n, 4) x y width height as left top right bottom behind a map; they stay upright."""
    middles = (boxes[:, :2] + boxes[:, 2:] / 2) @ move[:, :2].T + move[:, 2]
    halves = boxes[:, 2:] / 2 * np.linalg.norm(move[:, :2], axis=0)
    return np.concatenate((middles - halves, middles + halves), axis=1)


def _moved_points(points: Floats, move: Floats) -> Floats:
    """Points (n, 5, 2) behind a map; those of a mirrored face change places."""
    moved = (points + 0.5) @ move[:, :2].T + move[:, 2] - 0.5
    mirrored = np.linalg.det(move[:, :2]) < 0
    return moved[:, [1, 0, 2, 4, 3]] if mirrored else moved


def _warped(source: Source, move: Floats, side: int) -> Image:
    """The picture behind a map, black where it ends."""
    scale = np.sqrt(abs(np.linalg.det(move[:, :2])))
    level = int(np.clip(np.floor(np.log2(1 / scale) + 0.25), 0, HALVES))
    matrix, half = move.copy(), source.halves[level]
    matrix[:, :2] *= source.size / half.shape[1::-1]
    # OpenCV counts from the first pixel's centre
    matrix[:, 2] += matrix[:, :2] @ (0.5, 0.5) - 0.5
    return cv2.warpAffine(half, matrix, (side, side), flags=cv2.INTER_LINEAR)


def _cover(source: Source, move: Floats, side: int) -> NDArray[np.bool_]:
    """Which pixels (side, side) of a crop a picture covers behind a map."""
    width, height = source.size
    corners = np.array(((0, 0), (width, 0), (width, height), (0, height))) @ move[:, :2].T + move[:, 2]
    mask = np.zeros((side, side), np.uint8)
    cv2.fillConvexPoly(mask, np.round(corners - 0.5).astype(np.int32), 1)
    return mask.astype(np.bool_)


def _part(box: Floats, side: int) -> tuple[slice, slice]:
    """The pixels of a box, one at least."""
    left, top = (int(min(max(value, 0), side - 1)) for value in box[:2])
    right, bottom = (int(min(max(np.ceil(value), 1), side)) for value in box[2:])
    return slice(top, max(bottom, top + 1)), slice(left, max(right, left + 1))


def _fill(mask: NDArray[np.bool_], box: Floats, value: bool) -> None:
    mask[_part(box, len(mask))] = value
