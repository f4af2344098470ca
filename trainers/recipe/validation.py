"""What validation pictures show a stage behind trained ones, and how well it answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from protoface.cascade.backends.choice import Batch, Forward
from protoface.cascade.detector import Cascade, Stage
from protoface.cascade.parallel import chunks
from protoface.cascade.pictures import read_picture
from protoface.cascade.windows.window import Points, Window
from protoface.eval.datasets.dataset import Dataset
from protoface.eval.summary import nme

from .jitter import Floats

BATCH = 64


@dataclass(frozen=True, eq=False)
class Validation:
    """Inputs (n, channels, h, w) of a stage, its windows, and the points found before, if any were."""

    dataset: Dataset
    inputs: Batch
    windows: Sequence[Window]
    before: Sequence[Points | None]

    @property
    def found_before(self) -> Floats:
        """Points (n, points, 2) that the stages before have found, in pixels."""
        return np.array(self.before, np.float64)

    def error(self, stage: Stage, forward: Forward) -> float:
        """Mean error over the eye distance, with the net `forward` in the place of the stage's own."""
        parts = np.split(self.inputs, range(BATCH, len(self.inputs), BATCH))
        outputs = np.concatenate([forward(part) for part in parts])
        points = np.array(stage.place(outputs, self.windows, self.before))
        usable = self.dataset.inter_ocular > 0
        truth, lengths = self.dataset.truth[usable], self.dataset.inter_ocular[usable]
        return float(nme(points[usable], truth, lengths).mean())


def look(dataset: Dataset, stage: Stage, cascade: Cascade | None) -> Validation:
    """Show a stage the pictures of a set; `cascade` holds the stages before it, None: it is the first.

    Raises ProtofaceError naming a picture that cannot be read.
    """
    inputs: list[Batch] = []
    windows: list[Window] = []
    before: list[Points | None] = []
    for paths in chunks(dataset.paths, BATCH):
        images = [read_picture(path) for path in paths]
        if cascade is None:
            found: list[Points | None] = [None] * len(images)
            seen = [stage.first_window(image, None) for image in images]
        else:
            points = [detection.points for detection in cascade.detect_batch(images)]
            found = list(points)
            seen = [stage.next_window(image, None, p) for image, p in zip(images, points, strict=True)]
        inputs.append(stage.look(images, seen))
        windows += seen
        before += found
    return Validation(dataset, np.concatenate(inputs), windows, before)
