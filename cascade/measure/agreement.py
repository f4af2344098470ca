"""Whether backends agree: times of wrong results are worthless."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from protoface.converters.ends import Blobs

from ..backends.opencv_backend import AGREEMENT as INT8
from ..cascade import Cascade
from ..face import Candidate
from ..stage import Stage, Step
from ..windows.window import Floats, Image

#: How far answers in [-1, 1] may be from those on the CPU, with nets in float32 and in float16.
FLOAT32, FLOAT16 = 1e-4, 5e-3


@dataclass(frozen=True)
class Agreement:
    """A backend against the `reference`, one that computes on the CPU, stage by stage.

    Every stage gets what the reference's got, so that a small difference does not grow from stage to
    stage. `outputs`: the largest difference of what the nets answer to the same inputs, in [-1, 1];
    `pixels`: the largest distance of the points that a stage makes of it; `pictures`: on how many, and
    of which `kind`, such as given or made-up.
    """

    backend: str
    reference: str
    outputs: float
    pixels: float
    tolerance: float
    pictures: int
    kind: str = "given"

    @property
    def agrees(self) -> bool:
        """Whether the outputs are within the tolerance."""
        return self.outputs <= self.tolerance  # and not NaN

    def __str__(self) -> str:
        verb = "agrees" if self.agrees else "DISAGREES"
        count = f"{self.pictures} {self.kind} picture{'' if self.pictures == 1 else 's'}"
        return (
            f"{self.backend} {verb} with {self.reference} on {count}: for the same windows, outputs in "
            f"[-1, 1] differ by at most {self.outputs:.2g} ({self.tolerance:g} allowed), points by "
            f"{self.pixels:.2g} pixels"
        )


def tolerance(backend: str, int8: bool = False) -> float:
    """The difference that a backend may have, by its name; `int8`: nets are ONNX files, maybe int8."""
    return INT8 if int8 else FLOAT16 if backend.endswith("fp16") else FLOAT32


def compare(
    cascade: Cascade, reference: Cascade, images: Sequence[Image], int8: bool = False
) -> Agreement:
    """How a cascade agrees with the reference on some pictures: its nets get the reference's inputs."""
    differences: list[float] = []
    moved = []
    for stage, step in zip(cascade.stages, reference.steps(images), strict=False):
        answers = [stage.forward(run.inputs) for run in step.runs if run.inputs]
        expected = [run.outputs for run in step.runs if run.inputs]
        differences += map(largest_difference, answers, expected)
        if not step.levels:
            moved.append(points_read(stage, answers[0], step) - points_read(stage, expected[0], step))
    return agreement(cascade.backend, reference.backend, differences, moved, len(images), int8)


def largest_difference(answers: Blobs, expected: Blobs) -> float:
    """The largest difference of any output; NaN if any value is."""
    return float(np.max([np.abs(answers[blob] - expected[blob]).max() for blob in expected]))


def points_read(stage: Stage, answers: Blobs, step: Step) -> Floats:
    """Points (faces, points, 2) that a stage reads from answers in the windows of a step.

    Of a stage that finds none, the corners of the boxes.
    """
    looked = step.looked
    found = stage.read(answers, step.windows, looked)
    if any(one.points is None for one in found):
        return np.array([one.box for one in found], np.float64).reshape(len(found), -1, 2)
    return points_of(found)


def points_of(candidates: Sequence[Candidate]) -> Floats:
    """Points (faces, points, 2) of candidates, pixels."""
    return np.array([candidate.points for candidate in candidates], np.float64)


def agreement(
    backend: str,
    reference: str,
    outputs: Sequence[float],
    moved: Sequence[Floats],
    pictures: int,
    int8: bool = False,
) -> Agreement:
    """Of the differences of each stage's outputs, and of its points (faces, points, 2)."""
    # np.max: a NaN stays one
    distances = [np.linalg.norm(points, axis=-1).max() for points in moved if len(points)]
    pixels = float(np.max(distances or [0.0]))
    allowed = tolerance(backend, int8)
    return Agreement(backend, reference, float(np.max(outputs)), pixels, allowed, pictures)
