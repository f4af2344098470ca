"""Validation of a stage: its inputs, given the trained stages before it, and its error."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from protoface.cascade.answers.points import PointsAnswer
from protoface.cascade.cascade import Cascade, begin
from protoface.cascade.face import Candidate
from protoface.cascade.metrics import nme
from protoface.cascade.parallel import chunks
from protoface.cascade.pictures import read_picture
from protoface.cascade.views.pixels import PixelsView
from protoface.cascade.views.view_kind import Batch
from protoface.cascade.windows.window import Image, Window
from protoface.eval.datasets.dataset import Dataset

from .jitter import Floats

BATCH = 64
#: A net in training: (n, channels, h, w) in, (n, 2 points) out.
Forward = Callable[[Batch], Floats]


@dataclass(frozen=True, eq=False)
class Validation:
    """Inputs (n, channels, h, w) of a stage, its windows, and what the stages before have found."""

    dataset: Dataset
    inputs: Batch
    windows: Sequence[Window]
    before: Sequence[Candidate]

    @property
    def found_before(self) -> Floats:
        """Points (n, points, 2) that the stages before have found, in pixels."""
        return np.array([candidate.points for candidate in self.before], np.float64)

    def error(self, answer: PointsAnswer, forward: Forward) -> float:
        """Mean error over the eye distance of what a net answers."""
        parts = np.split(self.inputs, range(BATCH, len(self.inputs), BATCH))
        outputs = np.concatenate([forward(part) for part in parts])
        found = answer.read(outputs, self.windows, self.before)
        points = np.array([candidate.points for candidate in found])
        usable = self.dataset.inter_ocular > 0
        truth, lengths = self.dataset.truth[usable], self.dataset.inter_ocular[usable]
        return float(nme(points[usable], truth, lengths).mean())


def show(dataset: Dataset, view: PixelsView, cascade: Cascade | None) -> Validation:
    """What a view shows of a set; `cascade` holds the stages before it, None: it is the first.

    Raises ProtofaceError naming a picture that cannot be read.
    """
    inputs: list[Batch] = []
    windows: list[Window] = []
    before: list[Candidate] = []
    for paths in chunks(dataset.paths, BATCH):
        images = [read_picture(path) for path in paths]
        found = begin(images) if cascade is None else _found(cascade, images)
        seen = view.windows(found)
        inputs.append(view.make_input(images, seen))
        windows += seen
        before += found
    return Validation(dataset, np.concatenate(inputs), windows, before)


def _found(cascade: Cascade, images: Sequence[Image]) -> Sequence[Candidate]:
    """What all stages of a cascade leave of pictures."""
    (last,) = deque(cascade.steps(images), maxlen=1)
    return last.candidates
