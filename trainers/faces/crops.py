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
        picture, factors, corner = _around(picture, boxes[0])
        boxes = (boxes - (*corner, 0, 0)) * np.tile(factors, 2)
        points = (points + 0.5 - corner) * factors - 0.5
    halves = [np.ascontiguousarray(picture)]
    for _ in range(HALVES):
        rows, columns = (max(length // 2, 1) for length in halves[-1].shape[:2])
        halves.append(_resized(halves[-1], columns, rows))
    return Source(tuple(halves), boxes, points, scene.ignored, scene.complete)


def _around(picture: Image, box: Floats) -> tuple[Image, Floats, NDArray[np.int64]]:
    """The part of a picture around a box, the factors (2) by which it is shrunk, and its corner."""
    middle, size, whole = box[:2] + box[2:] / 2, box[2:], np.array(picture.shape[1::-1])
    first = np.clip(np.floor(middle - KEPT * size / 2), 0, whole - 1).astype(np.int64)
    last = np.clip(np.ceil(middle + KEPT * size / 2), first + 1, whole).astype(np.int64)
    part = picture[first[1] : last[1], first[0] : last[0]]
    columns, rows = np.ceil((last - first) * min(1.0, LARGEST_KEPT / size.max())).astype(int).tolist()
    if (rows, columns) != part.shape[:2]:
        part = _resized(part, columns, rows)
    return part, np.array((columns, rows)) / (last - first), first


def _resized(picture: Image, columns: int, rows: int) -> Image:
    return cv2.resize(picture, (columns, rows), interpolation=cv2.INTER_AREA)  # type: ignore[return-value]


class Cropper:
    """Makes crops of scenes; faces of those with one known face go into the others."""

    def __init__(self, options: CropOptions) -> None:
        self.options = options

    def crop(self, source: Source, pasted: Source | None, generator: Generator) -> Crop:
        """A crop of a complete scene, with the face of another one put into it, or not."""
        crop = self._seen(source, self._move(source, generator))
        return crop if pasted is None else self._with(crop, pasted, generator)

    def _move(self, source: Source, generator: Generator) -> Floats:
        """The affine map (2, 3) from a picture's pixels, from the edge, to the crop's."""
        side, size = self.options.side, source.size
        scale, middle, place = self._around_face(source, generator)
        room = side - scale * size  # negative where the picture is larger than the crop
        corner = np.clip(place - scale * middle, np.minimum(room, 0), np.maximum(room, 0))
        turn, mirror = generator.normal(0, self.options.turn), generator.random() < 0.5
        return _affine(size / 2, corner + scale * size / 2, scale, turn, side if mirror else None)

    def _around_face(self, source: Source, generator: Generator) -> tuple[Floats, Floats, Floats]:
        """The scales of a crop, and a spot (2) of the picture with its place in the crop.

        A face, if the crop is made around one. No picture is scaled to less than the crop's side.
        """
        options, aspect = self.options, self._aspect(generator)
        least = min(options.side / source.size.max(), MOST_ZOOM)
        faces = np.flatnonzero(~source.ignored & (source.boxes[:, 2:].min(axis=1, initial=np.inf) > 3))
        if not len(faces) or generator.random() >= options.focus:
            scale = max(np.exp(generator.uniform(*np.log(SCALES))), least) * aspect
            return scale, generator.random(2) * source.size, generator.random(2) * options.side
        box = source.boxes[generator.choice(faces)]
        scale = max(self._scale(box, generator), least) * aspect
        return scale, box[:2] + box[2:] / 2, self._place(scale * box[2:] / 2, generator)

    def _scale(self, box: Floats, generator: Generator) -> float:
        """What makes a box as large as a face in a crop should be."""
        wanted = np.exp(generator.uniform(*np.log((self.options.least, self.options.greatest))))
        return float(min(wanted / np.sqrt(box[2] * box[3]), MOST_ZOOM))

    def _aspect(self, generator: Generator) -> Floats:
        """Factors of width and height whose product is 1."""
        return np.asarray(np.exp(generator.normal(0, self.options.aspect) * np.array((0.5, -0.5))))

    def _place(self, half: Floats, generator: Generator) -> Floats:
        """The middle of something that should lie in the crop, by the halves of its sides."""
        margin = np.minimum(half, self.options.side / 2)
        return generator.uniform(margin, self.options.side - margin)

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
        side, move = self.options.side, self._pasting_move(pasted, generator)
        over = _cover(pasted, move, side)
        stay = self._uncovered(crop, over)
        pixels = crop.pixels.copy()
        cv2.copyTo(_warped(pasted, move, side), over.view(np.uint8), pixels)
        face, points = _moved(pasted.boxes, move), _moved_points(pasted.points, move)
        known = np.where(over, _trusted(face[0], side), crop.known)
        laid = self._kept(Crop(pixels, face, points, known), pasted.ignored)
        boxes = np.concatenate((crop.boxes[stay], laid.boxes))
        return Crop(laid.pixels, boxes, np.concatenate((crop.points[stay], laid.points)), laid.known)

    def _pasting_move(self, pasted: Source, generator: Generator) -> Floats:
        """The map that puts a face somewhere in the crop."""
        box = pasted.boxes[0]
        scale = self._scale(box, generator) * self._aspect(generator)
        place = self._place(scale * box[2:] * 0.6, generator)
        turn, mirror = generator.normal(0, self.options.pasted_turn), generator.random() < 0.5
        mirrored = 2 * place[0] if mirror else None
        return _affine(box[:2] + box[2:] / 2, place, scale, turn, mirrored)

    def _uncovered(self, crop: Crop, over: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Which faces (n) stay below what covers a crop; of those covered in part nothing is known."""
        shares = np.array([over[_part(box, len(over))].mean() for box in crop.boxes])
        for box in crop.boxes[(shares > 1 - SEEN) & (shares <= 1 - LOST)]:
            _fill(crop.known, box, False)
        return shares <= 1 - SEEN


def _affine(
    centre: Floats, place: Floats, scale: Floats, turn: float, mirrored: float | None
) -> Floats:
    """The map (2, 3) that carries `centre` to `place`, scaled and turned by degrees.

    Then, if given, x becomes `mirrored` - x.
    """
    radians = np.deg2rad(turn)
    rotation = np.array(((np.cos(radians), -np.sin(radians)), (np.sin(radians), np.cos(radians))))
    move = np.concatenate((rotation * scale, (place - rotation * scale @ centre)[:, None]), axis=1)
    if mirrored is not None:
        move[0] = (0, 0, mirrored) - move[0]
    return move


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
    return cv2.warpAffine(half, matrix, (side, side), flags=cv2.INTER_LINEAR)  # type: ignore[return-value]


def _cover(source: Source, move: Floats, side: int) -> NDArray[np.bool_]:
    """Which pixels (side, side) of a crop a picture covers behind a map."""
    width, height = source.size
    corners = np.array(((0, 0), (width, 0), (width, height), (0, height))) @ move[:, :2].T + move[:, 2]
    mask = np.zeros((side, side), np.uint8)
    cv2.fillConvexPoly(mask, np.round(corners - 0.5).astype(np.int32), 1)
    return mask.astype(np.bool_)


def _trusted(box: Floats, side: int) -> NDArray[np.bool_]:
    """The surroundings (side, side) of a face that show no other."""
    middle, half = (box[:2] + box[2:]) / 2, (box[2:] - box[:2]) / 2
    mask = np.zeros((side, side), np.bool_)
    _fill(mask, np.concatenate((middle - TRUSTED * half, middle + TRUSTED * half)), True)
    return mask


def _part(box: Floats, side: int) -> tuple[slice, slice]:
    """The pixels of a box, one at least."""
    left, top = (int(min(max(value, 0), side - 1)) for value in box[:2])
    right, bottom = (int(min(max(np.ceil(value), 1), side)) for value in box[2:])
    return slice(top, max(bottom, top + 1)), slice(left, max(right, left + 1))


def _fill(mask: NDArray[np.bool_], box: Floats, value: bool) -> None:
    mask[_part(box, len(mask))] = value
