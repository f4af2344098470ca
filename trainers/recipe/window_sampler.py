"""Batches for a net that judges windows: cut by the cascade's own code out of decoded pictures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from protoface.cascade.answers.points import PointsAnswer
from protoface.cascade.views.pixels import PixelsView
from protoface.cascade.windows.halves import Halves
from protoface.cascade.windows.window import Box, Image, Window

from ..faces.drawn_windows import WindowDrawer, Windows, joined
from ..faces.face_scene import Floats, Scene
from ..faces.face_table import NEGATIVE, PART, POSITIVE, FaceTable, Indices, Limits, make_table
from ..faces.window_losses import WindowTruth
from ..faces.window_targets import box_targets, point_targets
from . import recipe_pb2
from .augment import as_jpeg, change_pixels
from .crop_sampler import Pixels

Generator = np.random.Generator
#: What a random number is for; part of its seed, as the samplers' of other stages.
WINDOWS = 6
#: Windows on faces with points; the other kinds are those of `FaceTable`.
POINTS = 2


@dataclass(frozen=True, eq=False)
class Album:
    """Pictures (p) in memory, with the faces of each. `weights` (p) say how often one comes."""

    pictures: Sequence[Halves]
    scenes: Sequence[Scene]
    weights: Floats

    @cached_property
    def table(self) -> FaceTable:
        """All faces."""
        return make_table(self.scenes)

    @cached_property
    def sizes(self) -> Floats:
        """Width and height (p, 2) of the pictures."""
        shapes = [picture.image.shape[1::-1] for picture in self.pictures]
        return np.array(shapes, np.float64).reshape(-1, 2)

    @cached_property
    def complete(self) -> NDArray[np.bool_]:
        """Which pictures (p) have all of their faces in the table."""
        return np.array([scene.complete for scene in self.scenes], np.bool_)


@dataclass(frozen=True)
class Look:
    """How a stage looks at windows: its view, and the rows and columns of its net's input."""

    view: PixelsView
    pixels: Pixels
    rows: int
    columns: int

    def over(self, picture: Image, box: Box) -> Window:
        """The window over a box: of a stage with levels the box itself, a cell."""
        if self.view.levels is not None:
            return Window(*box.tolist())
        return self.view.window.over((picture.shape[0], picture.shape[1]), box, None)

    def cut(self, picture: Halves, window: Window) -> NDArray[np.uint8]:
        """What is seen of a window (rows, columns, 3)."""
        cut: NDArray[np.uint8] = self.view.mode.resample(
            picture, window, self.rows, self.columns, self.view.interpolation
        )
        return cut


@dataclass(frozen=True, eq=False)
class WindowBatch:
    """`inputs` (n, 3, rows, columns) in channels_last memory, and what is true of them."""

    inputs: Tensor
    truth: WindowTruth

    def to(self, device: torch.device) -> WindowBatch:
        """The same on another device."""
        return WindowBatch(self.inputs.to(device), self.truth.to(device))


def counts_of(mix: Mapping[int, float], size: int) -> dict[int, int]:
    """How many of `size` windows are of each kind; what is left over goes to the largest parts."""
    total = sum(mix.values())
    exact = {kind: size * share / total for kind, share in mix.items()}
    counts = {kind: int(value) for kind, value in exact.items()}
    rest = sorted(mix, key=lambda kind: counts[kind] - exact[kind])
    for kind in rest[: size - sum(counts.values())]:
        counts[kind] += 1
    return counts


class WindowSampler:
    """The batches by their number: the same ones for the same seed, in any order.

    `mix` says how much of a batch is of each kind; `found` are windows of the stages before by their
    kind, of which come `let_through` of that kind's where there are any. `points` is the answer of
    points, if the net has one. Raises ProtofaceError for pictures without windows of a kind.
    """

    def __init__(
        self,
        album: Album,
        look: Look,
        points: PointsAnswer | None,
        parameter: recipe_pb2.ClassifierParameter,
        training: recipe_pb2.TrainingParameter,
        seed: Sequence[int],
        found: Mapping[int, Windows],
    ) -> None:
        self.album, self.look, self.points, self.seed = album, look, points, list(seed)
        self.augment, self.batch_size = training.augment, training.batch_size
        self.found, self.let_through = found, parameter.let_through
        limits = limits_of(parameter)
        drawers = [
            WindowDrawer(
                album.table,
                album.sizes,
                album.weights * chosen,
                limits,
                parameter.least_face,
                inside=look.view.levels is not None,
            )
            for chosen in (album.complete, ~album.complete)
        ]
        self._whole, self._single = drawers
        self.counts = counts_of(mix_of(parameter, points is not None), self.batch_size)

    def batch(self, number: int) -> WindowBatch:
        """The batch of iteration `number`."""
        generator = np.random.default_rng([*self.seed, WINDOWS, number])
        return self.shown(self.counts, generator)

    def shown(self, counts: Mapping[int, int], generator: Generator) -> WindowBatch:
        """So many windows of each kind, as the net is shown them."""
        parts = [self._windows(kind, count, generator) for kind, count in counts.items()]
        kinds = np.repeat(list(counts), list(counts.values()))
        windows = joined(parts)
        seen = [
            self.look.over(self.album.pictures[picture].image, box)
            for picture, box in zip(windows.pictures.tolist(), windows.boxes, strict=True)
        ]
        mirrored = generator.random(len(seen)) < self.augment.flip
        inputs = self._inputs(windows.pictures, seen, mirrored, generator)
        return WindowBatch(inputs, self._truth(kinds, windows.faces, seen, mirrored))

    def draws(self, kinds: Iterable[int]) -> bool:
        """Whether the pictures may have windows of all of these kinds."""
        return all(self._whole.may_draw(kind) for kind in kinds)

    def _windows(self, kind: int, count: int, generator: Generator) -> Windows:
        if kind == POINTS:
            return self._single.draw(POSITIVE, count, generator)
        pool, parts = self.found.get(kind), []
        if pool is not None and len(pool):
            through = round(count * self.let_through)
            parts.append(pool[generator.integers(len(pool), size=through)])
            count -= through
        return joined([*parts, self._whole.draw(kind, count, generator)])

    def _inputs(
        self,
        pictures: Indices,
        windows: Sequence[Window],
        mirrored: NDArray[np.bool_],
        generator: Generator,
    ) -> Tensor:
        jpeg = generator.random(len(windows)) < self.augment.jpeg
        cuts = np.empty((len(windows), self.look.rows, self.look.columns, 3), np.uint8)
        for index, window in enumerate(windows):
            cut = self.look.cut(self.album.pictures[pictures[index]], window)
            cut = cut[:, ::-1] if mirrored[index] else cut
            cuts[index] = as_jpeg(np.ascontiguousarray(cut), generator) if jpeg[index] else cut
        return self.look.pixels.scaled(
            change_pixels(self.augment, torch.from_numpy(cuts).float(), generator)
        )

    def _truth(
        self,
        kinds: Indices,
        faces: Indices,
        windows: Sequence[Window],
        mirrored: NDArray[np.bool_],
    ) -> WindowTruth:
        table = self.album.table
        has_box, has_points = np.isin(kinds, (POSITIVE, PART)), kinds == POINTS
        labels = np.where(np.isin(kinds, (POSITIVE, NEGATIVE)), kinds, -1)
        boxes = np.zeros((len(kinds), 4))
        places = np.array([(one.x, one.y, one.width, one.height) for one in windows]).reshape(-1, 4)
        boxes[has_box] = box_targets(places[has_box], table.boxes[faces[has_box]], mirrored[has_box])
        points = np.zeros((len(kinds), 0 if self.points is None else self.points.shape[0]))
        if self.points is not None and has_points.any():
            chosen = np.flatnonzero(has_points)
            points[chosen] = point_targets(
                self.points,
                [windows[index] for index in chosen.tolist()],
                table.points[faces[chosen]],
                mirrored[chosen],
            )
        return WindowTruth(
            torch.from_numpy(labels),
            torch.from_numpy(boxes.astype(np.float32)),
            torch.from_numpy(has_box),
            torch.from_numpy(points.astype(np.float32)),
            torch.from_numpy(has_points),
        )


def limits_of(parameter: recipe_pb2.ClassifierParameter) -> Limits:
    """The overlaps that a recipe says."""
    return Limits(parameter.positive, parameter.part, parameter.negative)


def mix_of(parameter: recipe_pb2.ClassifierParameter, points: bool) -> dict[int, float]:
    """How much of a batch is of each kind: of windows with points only if the net answers `points`."""
    mix = parameter.mix
    kinds = {NEGATIVE: mix.negative, POSITIVE: mix.positive, PART: mix.part}
    return {**kinds, POINTS: mix.points} if points else kinds
