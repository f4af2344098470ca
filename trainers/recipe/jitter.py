"""Errors of the points that a later stage starts from, sampled from those of the stages before.

Points are complex numbers x + iy. A face's frame is the similarity z -> a z + b that carries the mean
shape, whose eyes are 1 apart, to the face: an error over `a` is in eye distances and upright.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from protoface.cascade.layouts import EYES, Layout

from .recipe_pb2 import JitterParameter

Floats = NDArray[np.float64]
Complex = NDArray[np.complex128]
Generator = np.random.Generator
#: The mean shape changes by less than 1e-6 from the third round on.
ROUNDS = 5
#: Bounds of a pose's weight before the power is taken, so that no face comes all the time or never.
LEAST_POSE, GREATEST_POSE = 0.5, 4.0
#: Eye distance in pixels of a face whose points coincide.
NO_SIZE = 1e-6


def to_complex(points: Floats) -> Complex:
    """Points (..., 2) as x + iy (...)."""
    values: Complex = points[..., 0] + 1j * points[..., 1]
    return values


def from_complex(values: Complex) -> Floats:
    """Complex numbers (...) as points (..., 2)."""
    return np.stack((values.real, values.imag), axis=-1)


def mean_shape(points: Floats, layout: Layout) -> Complex:
    """The mean (points) of faces (n, points, 2): symmetric, upright, centred, its eyes 1 apart.

    Eyes are the ends of the layout's distance EYES. Source: generalised Procrustes analysis, Gower,
    1975.
    """
    left, right = (list(end) for end in layout.ends(EYES))
    faces = to_complex(points)
    faces = faces - faces.mean(axis=1, keepdims=True)
    shape: Complex = faces[0]
    for _ in range(ROUNDS):
        turns = _turns(shape, faces)
        shape = (faces[turns != 0] / turns[turns != 0, None]).mean(axis=0)
        shape = shape / (shape[right].mean() - shape[left].mean())
        shape = (shape - np.conj(shape[list(layout.flip)])) / 2
    return shape


def frames(shape: Complex, points: Floats) -> tuple[Complex, Complex]:
    """The a (n) and b (n) of the least squares a * shape + b of faces (n, points, 2)."""
    faces = to_complex(points)
    middle = faces.mean(axis=1)
    turns = _turns(shape, faces - middle[:, None])
    return turns, middle - turns * shape.mean()


def in_frame(shape: Complex, points: Floats) -> Complex:
    """Faces (n, points, 2) in their own frames (n, points), over the mean shape: 0 is that itself."""
    a, b = frames(shape, points)
    a = np.where(a == 0, NO_SIZE, a)
    return np.asarray((to_complex(points) - b[:, None]) / a[:, None] - shape)


def pose_weights(shape: Complex, points: Floats, power: float) -> Floats:
    """How often each face (n, points, 2) comes, for `hard_pose`: by its distance to the mean shape."""
    a, b = frames(shape, points)
    residual = np.abs(to_complex(points) - a[:, None] * shape - b[:, None]).mean(axis=1)
    away = residual / np.maximum(np.abs(a), NO_SIZE)
    weights: Floats = np.clip(away / np.median(away), LEAST_POSE, GREATEST_POSE) ** power
    return weights


@dataclass(frozen=True, eq=False)
class Jitter:
    """Errors (n, points) of points found before, each in its face's frame. Made by `measured_jitter`.

    They are drawn times a factor between `least` and 1. `noise` is the sigma of another error of each
    point by itself. Both are in eye distances. With `forms` (n, points), what the errors' own faces are
    in their frames, those of the `alike` most similar faces are drawn alone.
    """

    shape: Complex
    errors: Complex
    flip: Sequence[int]
    noise: float
    least: float = 1.0
    forms: Complex | None = None
    alike: int = 0

    def starts(self, points: Floats, generator: Generator) -> Floats:
        """For faces (n, points, 2) the points, off as drawn, that a later stage may start from."""
        count = len(points)
        if self.forms is None:
            drawn = self.errors[generator.integers(len(self.errors), size=count)]
            mirrored = generator.random(count) < 0.5
            drawn[mirrored] = self._mirrored(drawn[mirrored])
        else:
            drawn = self._of_similar(self.forms, points, generator)
        drawn *= generator.uniform(self.least, 1, (count, 1))
        if self.noise:
            drawn += to_complex(generator.normal(0, self.noise, (*drawn.shape, 2)))
        a, _ = frames(self.shape, points)
        return points + from_complex(drawn * a[:, None])

    def _mirrored(self, values: Complex) -> Complex:
        """Errors or forms (n, points) of the mirror images."""
        return -np.conj(values[:, list(self.flip)])

    def _of_similar(self, forms: Complex, points: Floats, generator: Generator) -> Complex:
        """For each face an error of one of those most similar to it, mirror images among them."""
        known = np.concatenate((forms, self._mirrored(forms)))
        errors = np.concatenate((self.errors, self._mirrored(self.errors)))
        own = in_frame(self.shape, points)
        # |own - known|^2 without |own|^2, which all have in common
        apart = (np.abs(known) ** 2).sum(axis=1) - 2 * (np.conj(own) @ known.T).real
        count = min(self.alike, len(known))
        nearest = np.argpartition(apart, count - 1, axis=1)[:, :count]
        drawn = nearest[np.arange(len(own)), generator.integers(count, size=len(own))]
        return np.asarray(errors[drawn])


def measured_jitter(
    shape: Complex, found: Floats, truth: Floats, flip: Sequence[int], options: JitterParameter
) -> Jitter:
    """The errors of points found on some faces (n, points, 2), to be drawn from as `options` say."""
    a, _ = frames(shape, truth)
    usable = a != 0
    errors = (to_complex(found - truth)[usable]) / a[usable, None]
    least = options.least_factor / (options.factor or 1) if options.HasField("least_factor") else 1.0
    forms = in_frame(shape, truth[usable]) if options.alike else None
    return Jitter(shape, errors * options.factor, flip, options.noise, least, forms, options.alike)


def _turns(shape: Complex, faces: Complex) -> Complex:
    """A (n) of centred faces (n, points)."""
    centred = shape - shape.mean()
    turns: Complex = (np.conj(centred) * faces).sum(axis=1) / (np.abs(centred) ** 2).sum()
    return turns
