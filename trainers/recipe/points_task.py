"""Training of a stage that answers one face's points."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from protoface.cascade import cascade_pb2
from protoface.cascade.answers.points import PointsAnswer
from protoface.cascade.views.pixels import PixelsView
from protoface.cascade.windows import clean

from . import recipe_pb2
from .jitter import Complex, Floats, Jitter, mean_shape, measured_jitter, pose_weights
from .losses import face_losses, face_weights
from .recipe_run import RecipeRun
from .sampler import Batch, Sampler
from .sources import read_sources
from .task import Answer, Task, Validated
from .training_pictures import training_pictures
from .validation import Validation, show


def points_loss(
    parameter: recipe_pb2.LossParameter, outputs: Mapping[str, Tensor], batch: Batch
) -> Tensor:
    """The mean loss of the faces of a batch, of a net with one output (n, 2 points)."""
    (answers,) = outputs.values()
    losses = face_losses(parameter, (answers.reshape(batch.labels.shape) - batch.labels) * batch.units)
    return (losses * face_weights(batch.eyes, parameter.eye_distance_power)).mean()


class PointsTask(Task):
    """See `Task`. Its error is that of the points over the eye distance."""

    def __init__(self, run: RecipeRun, index: int) -> None:
        parameter = run.definition.stage[index]
        self.training = run.recipe.training(parameter.name)
        view = run.recipe.view(parameter)
        self._seen = None
        if run.validation is not None:
            self._seen = show(run.validation, view, run.cascade(index) if index else None)
        self._sampler = self._make_sampler(run, parameter.name, view, index)
        self._answer = PointsAnswer(cascade_pb2.PointsAnswer(), view.layout, clean)
        self.size = len(self._sampler.sources)
        self.shown = f"{self.size} faces"

    def batch(self, number: int) -> Batch:  # noqa: D102
        return self._sampler.batch(number)

    def objective(self, outputs: Mapping[str, Tensor], batch: Batch) -> Tensor:
        """See `points_loss`."""
        return points_loss(self.training.loss, outputs, batch)

    def validate(self, answer: Answer) -> Validated | None:  # noqa: D102
        if self._seen is None:
            return None

        def forward(inputs: NDArray[Any]) -> Floats:
            (points,) = answer(inputs).values()
            return np.asarray(points.cpu().numpy())

        error = self._seen.error(self._answer, forward)
        return Validated(error, f"{100 * error:.2f} % of the eye distance")

    def _make_sampler(self, run: RecipeRun, name: str, view: PixelsView, index: int) -> Sampler:
        pictures = training_pictures(run.recipe, name, run.photographs, run.out, run.workers)
        sources, kept = read_sources(name, view, pictures.paths, pictures.truth, run.workers)
        if len(kept) < len(pictures):
            missing = len(pictures) - len(kept)
            run.report(f"{name}: {missing} faces are too small for its window, left out")
        shape = mean_shape(pictures.truth, view.layout)
        weights: Floats = pictures.weights[kept]
        if self.training.hard_pose:
            weights = weights * pose_weights(shape, pictures.truth[kept], self.training.hard_pose)
        jitter = self._jitter(run, shape, self._seen) if view.needs_points else None
        alike = bool((weights == weights[0]).all())
        seed = [run.recipe.parameter.seed, index]
        return Sampler(view, sources, self.training, seed, None if alike else weights, jitter)

    def _jitter(self, run: RecipeRun, shape: Complex, seen: Validation | None) -> Jitter:
        """Errors of the stages before; none without validation pictures (see `read_recipe`)."""
        flip, options = run.recipe.layout.flip, self.training.jitter
        if seen is None:
            return Jitter(shape, np.zeros((1, len(shape)), np.complex128), flip, options.noise)
        found, truth = seen.found_before, seen.dataset.truth
        return measured_jitter(shape, found, truth, flip, options)
