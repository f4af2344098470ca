"""Square windows that are drawn at random in pictures: on faces, on parts of them, beside them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from protoface.converters import ProtofaceError

from .face_scene import Floats
from .face_table import NEGATIVE, PART, POSITIVE, FaceTable, Indices, Limits, shares

Generator = np.random.Generator
#: Windows that are tried around each face that is drawn, and how often faces are drawn anew.
TRIES, ROUNDS = 16, 50
#: How far a window's side is from the face's, as a logarithm, and its centre from the face's in sides:
#: where those of a kind are found.
SPREAD = {POSITIVE: (0.4, 0.25), PART: (0.7, 0.5)}
#: The same beside faces, of which half of the negative windows are drawn.
BESIDE = 0.8, 1.2
#: The least side of a face that windows are drawn on, in sides of the smallest window.
SMALLER = 0.8


@dataclass(frozen=True, eq=False)
class Windows:
    """Windows (n): `pictures` (n), `boxes` (n, 4) x y width height, `faces` (n) that they are on."""

    pictures: Indices
    boxes: Floats
    faces: Indices

    def __getitem__(self, chosen: Indices | NDArray[np.bool_] | slice) -> Windows:
        return Windows(self.pictures[chosen], self.boxes[chosen], self.faces[chosen])

    def __len__(self) -> int:
        return len(self.pictures)


def joined(parts: list[Windows]) -> Windows:
    """All windows of several ones."""
    return Windows(
        np.concatenate([part.pictures for part in parts]),
        np.concatenate([part.boxes for part in parts]),
        np.concatenate([part.faces for part in parts]),
    )


class WindowDrawer:
    """Draws windows of each kind.

    `sizes` (p, 2) are width and height of the pictures, `weights` (p) say how often one is drawn; 0:
    not at all. No window has a side below `least` pixels; with `inside` none reaches beyond its
    picture.
    """

    def __init__(
        self,
        table: FaceTable,
        sizes: Floats,
        weights: Floats,
        limits: Limits,
        least: float,
        inside: bool,
    ) -> None:
        self.table, self.sizes, self.limits = table, sizes, limits
        self.least, self.inside = least, inside
        self._pictures = _Choice(weights * (sizes.min(axis=1) >= least))
        self._faces = {
            POSITIVE: _Choice(self._of_faces(weights, limits.positive)),
            PART: _Choice(self._of_faces(weights, limits.part)),
        }

    def may_draw(self, kind: int) -> bool:
        """Whether there are pictures, or faces, to draw windows of a kind from."""
        return (self._pictures if kind == NEGATIVE else self._faces[kind]).possible

    def draw(self, kind: int, count: int, generator: Generator) -> Windows:
        """So many windows of a kind. Raises ProtofaceError if the pictures have none."""
        parts: list[Windows] = []
        missing = count
        if missing and not self.may_draw(kind):
            raise ProtofaceError(_nothing(kind, self.least))
        for _ in range(ROUNDS):
            if missing <= 0:
                break
            tried = (
                self._beside(2 * missing, generator)
                if kind == NEGATIVE
                else self._on(kind, 2 * missing, generator)
            )
            judged = self.table.judge(tried.pictures, tried.boxes, self.limits)
            fits = judged.kinds == kind
            parts.append(Windows(tried.pictures, tried.boxes, judged.faces)[fits][:missing])
            missing -= len(parts[-1])
        else:
            if missing > 0:
                raise ProtofaceError(_nothing(kind, self.least))
        return joined(parts) if parts else Windows(*_NONE)

    def _on(self, kind: int, count: int, generator: Generator) -> Windows:
        """At most so many windows that overlap a face as those of a kind do."""
        faces = self._faces[kind].draw(count, generator)
        boxes = np.repeat(self.table.boxes[faces][:, None], TRIES, axis=1)
        tried = _squares(boxes, SPREAD[kind], generator)
        overlap = shares(tried, boxes)
        least = self.limits.positive if kind == POSITIVE else self.limits.part
        most = np.inf if kind == POSITIVE else self.limits.positive
        pictures = self.table.picture[faces]
        fits = (overlap >= least) & (overlap < most) & (tried[..., 2] >= self.least)
        if self.inside:
            ends = tried[..., :2] + tried[..., 2:]
            fits &= (tried[..., :2] >= 0).all(-1) & (ends <= self.sizes[pictures, None]).all(-1)
        chosen = tried[np.arange(count), fits.argmax(axis=1)]
        return Windows(pictures, chosen, faces)[np.flatnonzero(fits.any(axis=1))]

    def _beside(self, count: int, generator: Generator) -> Windows:
        """So many windows in pictures, half of them around a face if the picture has one."""
        pictures = self._pictures.draw(count, generator)
        sizes, faces = self.sizes[pictures], np.diff(self.table.starts)[pictures]
        most = sizes.min(axis=1)
        sides = self.least * (most / self.least) ** generator.random(count)
        corners = generator.random((count, 2)) * (sizes - sides[:, None])
        near = (generator.random(count) < 0.5) & (faces > 0)
        chosen = (self.table.starts[pictures] + generator.random(count) * faces).astype(np.int64)[near]
        around = _squares(self.table.boxes[chosen], BESIDE, generator)
        sides[near] = np.clip(around[:, 2], self.least, most[near])
        corners[near] = np.clip(around[:, :2], 0, sizes[near] - sides[near, None])
        boxes = np.concatenate((corners, sides[:, None], sides[:, None]), axis=1)
        return Windows(pictures, boxes, np.full(count, -1))

    def _of_faces(self, weights: Floats, least: float) -> Floats:
        """How often each face (m) is drawn: those of a picture by the root of their number.

        Not those that are ignored, that are too small, or so narrow that no square overlaps them by
        `least`.
        """
        table = self.table
        width, height = np.maximum(table.boxes[:, 2:], 1e-9).T
        root = np.sqrt(np.minimum(width / height, height / width))
        usable = ~table.ignored & (root / (2 - root) > least)
        usable &= np.sqrt(width * height) >= SMALLER * self.least
        counts = np.bincount(table.picture[usable], minlength=len(weights))
        each = weights / np.sqrt(np.maximum(counts, 1))
        return np.asarray(usable * each[table.picture])


_NONE = np.zeros(0, np.int64), np.zeros((0, 4)), np.zeros(0, np.int64)


class _Choice:
    """Numbers drawn in proportion to weights."""

    def __init__(self, weights: Floats) -> None:
        self._sums = weights.cumsum()

    @property
    def possible(self) -> bool:
        """Whether there is anything to draw."""
        return bool(len(self._sums) and self._sums[-1] > 0)

    def draw(self, count: int, generator: Generator) -> Indices:
        places = generator.random(count) * self._sums[-1]
        drawn: Indices = np.searchsorted(self._sums, places, side="right").astype(np.int64)
        return drawn


def _squares(boxes: Floats, spread: tuple[float, float], generator: Generator) -> Floats:
    """Square windows (..., 4) around boxes (..., 4)."""
    size, shift = spread
    shape = boxes.shape[:-1]
    sides = np.sqrt(boxes[..., 2:].prod(-1)) * np.exp(generator.uniform(-size, size, shape))
    middles = boxes[..., :2] + boxes[..., 2:] / 2
    middles = middles + generator.uniform(-shift, shift, (*shape, 2)) * sides[..., None]
    return np.concatenate((middles - sides[..., None] / 2, sides[..., None], sides[..., None]), axis=-1)


def _nothing(kind: int, least: float) -> str:
    """What is said where no window of a kind can be drawn."""
    if kind == NEGATIVE:
        return f"no window of {least:g} pixels and more beside the faces; add pictures without faces"
    what = "a face" if kind == POSITIVE else "a part of a face"
    return (
        f"no square window of {least:g} pixels and more is {what}; add pictures with larger faces, or "
        "lower least_face or the overlaps"
    )
