"""Whether backends agree: times of wrong results are worthless."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from protoface.converters.runtimes import Blobs

from ..backends.opencv_backend import AGREEMENT as INT8
from ..cascade import Cascade
from ..windows.window import Floats, Image

#: How far answers in [-1, 1] may be from those on the CPU, with nets in float32 and in float16.
FLOAT32, FLOAT16 = 1e-4, 5e-3


@dataclass(frozen=True)
class Agreement:
    """A backend against the `reference`, one that computes on the CPU.

    `outputs`: the largest difference of what the nets answer to the same inputs, in [-1, 1];
    `pixels`: the largest distance of the final points.
    """

    backend: str
    reference: str
    outputs: float
    pixels: float
    tolerance: float

    @property
    def agrees(self) -> bool:
        """Whether the outputs are within the tolerance."""
        return self.outputs <= self.tolerance  # and not NaN

    def __str__(self) -> str:
        verb = "agrees" if self.agrees else "DISAGREES"
        return (
            f"{self.backend} {verb} with {self.reference}: nets within {self.outputs:.2g} "
            f"({self.tolerance:g} allowed), points within {self.pixels:.2g} pixels"
        )


def tolerance(backend: str, int8: bool = False) -> float:
    """The difference that a backend may have, by its name; `int8`: nets are ONNX files, maybe int8."""
    return INT8 if int8 else FLOAT16 if backend.endswith("fp16") else FLOAT32


def compare(
    cascade: Cascade, reference: Cascade, images: Sequence[Image], int8: bool = False
) -> Agreement:
    """How a cascade agrees with the reference on some pictures: its nets get the reference's inputs."""
    differences = [
        largest_difference(stage.forward(step.inputs), step.outputs)
        for stage, step in zip(cascade.stages, reference.steps(images), strict=True)
    ]
    moved = final_points(cascade, images) - final_points(reference, images)
    return agreement(cascade.backend, reference.backend, differences, moved, int8)


def largest_difference(answers: Blobs, expected: Blobs) -> float:
    """The largest difference of any output; NaN if any value is."""
    return float(np.max([np.abs(answers[blob] - expected[blob]).max() for blob in expected]))


def final_points(cascade: Cascade, images: Sequence[Image]) -> Floats:
    """Points (faces, points, 2) of the last stage."""
    return np.array([face.points for faces in cascade.detect_batch(images) for face in faces])


def agreement(
    backend: str, reference: str, outputs: Sequence[float], moved: Floats, int8: bool = False
) -> Agreement:
    """Of the differences of each stage's outputs, and of the final points (n, points, 2)."""
    pixels = float(np.linalg.norm(moved, axis=-1).max())
    # np.max: a NaN stays one
    return Agreement(backend, reference, float(np.max(outputs)), pixels, tolerance(backend, int8))
