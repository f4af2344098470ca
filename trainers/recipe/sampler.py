"""Batches for a stage: windows cut by the cascade's own code, labels by the inverse of its own rule."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from protoface.cascade.layouts import EYES
from protoface.cascade.views.pixels import PixelsView
from protoface.cascade.windows import sampling
from protoface.cascade.windows.window import Window, to_window

from . import recipe_pb2
from .augment import as_jpeg, change_pixels, draw_moves
from .jitter import Jitter
from .scatter import Scatter
from .sources import Source

#: What a random number is for; part of its seed. 2 and 3 are the stage trainer's.
ORDER, SAMPLES, SURROUNDINGS = 0, 1, 4


@dataclass(frozen=True, eq=False)
class Batch:
    """What a net is shown, and what it should answer.

    `inputs` (n, channels, h, w) in channels_last memory, `labels` (n, points, 2) in [-1, 1] of the
    window or its patches. `units` (n, 1, 2) makes differences of labels half sides in both directions,
    which those of a window that is no square are not; `eyes` (n) is the eye distance in half sides.
    """

    inputs: Tensor
    labels: Tensor
    units: Tensor
    eyes: Tensor

    def to(self, device: torch.device) -> Batch:
        """The same on another device."""
        tensors = (self.inputs, self.labels, self.units, self.eyes)
        return Batch(*(tensor.to(device) for tensor in tensors))


class Sampler:
    """The batches for one view by their number: the same ones for the same seed, in any order.

    `weights` (faces) says how often each comes, None: once an epoch; `jitter`
    is None where the stage starts from the true points. `seed` is a sequence of numbers.
    """

    def __init__(
        self,
        view: PixelsView,
        sources: Sequence[Source],
        training: recipe_pb2.TrainingParameter,
        seed: Sequence[int],
        weights: NDArray[np.float64] | None = None,
        jitter: Jitter | None = None,
    ) -> None:
        self.view, self.sources, self.seed = view, sources, list(seed)
        self.flip = list(view.layout.flip)
        self.augment, self.batch_size = training.augment, training.batch_size
        self.jitter = jitter
        self.scatter = None
        if view.window.whole and training.scatter.probability:
            self.scatter = Scatter(training.scatter, sources, [*seed, SURROUNDINGS])
        self.weights = None if weights is None else weights / weights.sum()
        self._truth = np.array([source.points for source in sources])
        self._epoch: tuple[int, NDArray[np.int64]] = (-1, np.zeros(0, np.int64))
        # as PixelsView.look: (value - mean) * scale, in the net's colour order
        mean = torch.tensor(view.mean, dtype=torch.float32)
        self._mean = (mean.flip(0) if view.swap else mean).repeat(view.patches)

    def batch(self, number: int) -> Batch:
        """The batch of iteration `number`."""
        generator = np.random.default_rng([*self.seed, SAMPLES, number])
        chosen = self.chosen(number)
        starts = self._truth[chosen]
        if self.jitter is not None:
            starts = self.jitter.starts(starts, generator)
        moves = draw_moves(self.augment, generator, len(chosen))
        jpeg = generator.random(len(chosen)) < self.augment.jpeg
        rows, columns = self.view.size
        pictures = np.empty((len(chosen), rows, columns, 3 * self.view.patches), np.uint8)
        labels = np.empty((len(chosen), *self._truth.shape[1:]))
        sides = np.empty((len(chosen), 2))
        for index, face in enumerate(chosen.tolist()):
            source = self.sources[face]
            window = moves.window(index, self._window(source, starts[index]))
            if self.scatter is not None and self.scatter.chooses(generator):
                window = self.scatter.window(generator, source.five, float(moves.turn[index]))
            parts = self._look(source, window)
            if self.scatter is not None:
                parts = [self.scatter.cover(generator, parts[0], source, window)]
            if jpeg[index]:
                parts = [as_jpeg(part, generator) for part in parts]
            labels[index] = to_window(source.points, window)
            if moves.mirror[index]:
                parts = [parts[part][:, ::-1] for part in (self.flip if window.patches else [0])]
                labels[index] = labels[index][self.flip] * (-1, 1)
            np.concatenate(parts, axis=2, out=pictures[index])
            sides[index] = window.width, window.height
        return self._batch(pictures, labels, sides, self._truth[chosen], generator)

    def chosen(self, number: int) -> NDArray[np.int64]:
        """Indices of the faces in the batch of an iteration."""
        start = number * self.batch_size
        parts = []
        while start < (number + 1) * self.batch_size:
            epoch, place = divmod(start, len(self.sources))
            part = self._order(epoch)[place : place + (number + 1) * self.batch_size - start]
            parts.append(part)
            start += len(part)
        return np.concatenate(parts)

    def _order(self, epoch: int) -> NDArray[np.int64]:
        known, order = self._epoch
        if known != epoch:
            generator, count = np.random.default_rng([*self.seed, ORDER, epoch]), len(self.sources)
            if self.weights is None:
                order = generator.permutation(count)
            else:
                order = generator.choice(count, count, p=self.weights)
            self._epoch = (epoch, order)
        return order

    def _window(self, source: Source, points: NDArray[np.float64]) -> Window:
        """The window over what was found before; over the true points if that shows nothing."""
        if self.jitter is None:
            return source.window
        window = self.view.window.over(source.picture, None, points)
        return source.window if window.empty else window

    def _look(self, source: Source, window: Window) -> list[NDArray[np.uint8]]:
        view = self.view
        return [
            sampling.resample(source.pixels, source.seen(part), *view.size, view.interpolation)
            for part in (window.patches or (window,))
        ]

    def _batch(
        self,
        pictures: NDArray[np.uint8],
        labels: NDArray[np.float64],
        sides: NDArray[np.float64],
        truth: NDArray[np.float64],
        generator: np.random.Generator,
    ) -> Batch:
        changed = change_pixels(self.augment, torch.from_numpy(pictures).float(), generator)
        inputs = (changed - self._mean) * self.view.scale
        if self.view.swap:
            inputs = inputs.reshape(*inputs.shape[:3], -1, 3).flip(4).flatten(3)
        side = np.sqrt(sides.prod(axis=1))
        units = np.ones_like(sides) if self.view.window.patch else sides / side[:, None]
        eyes = self.view.layout.distance(EYES, truth) / side * 2
        return Batch(
            inputs.permute(0, 3, 1, 2),
            torch.from_numpy(labels.astype(np.float32)),
            torch.from_numpy(units[:, None].astype(np.float32)),
            torch.from_numpy(eyes.astype(np.float32)),
        )
