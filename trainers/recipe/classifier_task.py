"""Training of a stage that judges windows: P-, R- and O-Net of MTCNN."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from protoface.cascade.pictures import read_picture
from protoface.cascade.windows.halves import Halves
from protoface.converters import ProtofaceError
from protoface.eval.average_precision import Ranking
from protoface.eval.datasets.box_set import BoxSet

from ..faces.face_scene import Scene
from ..faces.face_table import NEGATIVE, POSITIVE
from ..faces.window_losses import window_loss
from . import recipe_pb2
from .classifier_options import cell_size, classifier_view, task_weights, window_answers
from .crop_sampler import Pixels
from .let_through import let_through
from .recipe_run import RecipeRun
from .scene_sets import SceneSet, read_scene_sets, read_scenes
from .task import Answer, Task, Validated
from .window_sampler import Album, Look, WindowBatch, WindowSampler, limits_of

#: What a random number is for; part of its seed, as the samplers'.
VALIDATION = 7
#: Windows that it is validated on, by kind, and how many the net is given at once.
VALIDATED = {NEGATIVE: 3000, POSITIVE: 1000}
AT_ONCE = 500

#: Pictures in memory with their faces.
Pictures = list[tuple[Halves, Scene]]


class ClassifierTask(Task):
    """See `Task`. Its figure is the average precision of its scores on windows of other pictures."""

    def __init__(self, run: RecipeRun, index: int) -> None:
        stage, layout = run.definition.stage[index], run.recipe.layout
        training = run.recipe.training(stage.name)
        parameter, where = training.classifier, f"{run.recipe.source}: stage '{stage.name}'"
        view = classifier_view(stage, layout, where)
        self.answers, points = window_answers(stage, layout, where)
        self.weights = task_weights(parameter)
        look = Look(view, Pixels(stage.preprocess), *cell_size(view, stage))
        sets = [_read(run, data, points is not None) for data in parameter.data]
        album, held = _album([(kept, weight) for kept, _, weight in sets]), _held(sets)
        if not album.complete.any():
            raise ProtofaceError(f"{where}: needs pictures with a box around every face")
        if points is not None and parameter.mix.points and album.complete.all():
            raise ProtofaceError(
                f"{where}: no picture has points; add a set with points, or mix {{ points: 0 }}"
            )
        found = let_through(run, index, album, look, limits_of(parameter)) if index else {}
        seed = [run.recipe.parameter.seed, index]
        self._sampler = WindowSampler(album, look, points, parameter, training, seed, found)
        self._held = _shown(held, look, parameter, seed)
        self.size = parameter.windows
        self.shown = f"{len(album.pictures)} pictures, {len(album.table.boxes)} faces"

    def batch(self, number: int) -> WindowBatch:  # noqa: D102
        return self._sampler.batch(number)

    def objective(self, outputs: Mapping[str, Tensor], batch: WindowBatch) -> Tensor:
        """See `window_loss`."""
        return window_loss(self.answers, outputs, batch.truth, self.weights)

    def validate(self, answer: Answer) -> Validated | None:
        """Average precision of windows that are faces among those that are none, drawn once."""
        if self._held is None:
            return None
        inputs, truth = self._held.inputs.numpy(), self._held.truth
        parts = [
            self.answers.read(answer(part))
            for part in np.split(inputs, range(AT_ONCE, len(inputs), AT_ONCE))
        ]
        scores = torch.cat([score for score, _, _ in parts]).cpu().numpy().astype(np.float64)
        boxes = torch.cat([box for _, box, _ in parts]).cpu()
        area = _precision(scores, truth.labels.numpy() == POSITIVE)
        off = float((boxes - truth.boxes)[truth.has_box].abs().mean())
        return Validated(
            area,
            f"AP of {len(scores)} windows {area:.4f}, boxes off by {100 * off:.1f} % of the window",
        )


def _precision(scores: np.ndarray[Any, Any], faces: np.ndarray[Any, Any]) -> float:
    """Average precision of scores (n) of windows, of which `faces` (n) are."""
    order = np.argsort(-scores, kind="stable")
    nowhere = np.zeros(len(scores), np.int64)
    return Ranking(scores[order], faces[order], nowhere, np.array([faces.sum()])).curve().area


def _read(
    run: RecipeRun, data: recipe_pb2.PicturesParameter, points: bool
) -> tuple[Pictures, Pictures, float]:
    """A set in memory, the part of it that is kept for validation, and its weight.

    Pictures of which one face is known serve points alone; without `points` they are not read.
    """
    key = str(data)

    def named() -> SceneSet:
        (found,) = read_scene_sets([data], run.report)
        return found

    def decoded() -> tuple[Pictures, Pictures]:
        held = [] if found.held is None else read_scenes(found.held, _decoded, run.workers)
        return read_scenes(found.kept, _decoded, run.workers), held

    found = run.remembered(f"set {key}", named)
    if not points and not isinstance(found.kept, BoxSet):
        return [], [], found.weight
    return (*run.remembered(f"pictures {key}", decoded), found.weight)


def _decoded(scene: Scene) -> tuple[Halves, Scene]:
    return Halves(read_picture(scene.path)), scene


def _album(sets: Sequence[tuple[Pictures, float]]) -> Album:
    """The pictures of several sets; a weight is that of the whole set."""
    pairs = [pair for kept, _ in sets for pair in kept]
    weights = [np.full(len(kept), weight / max(len(kept), 1)) for kept, weight in sets]
    return Album([one for one, _ in pairs], [one for _, one in pairs], np.concatenate(weights))


def _held(sets: Sequence[tuple[Pictures, Pictures, float]]) -> Album:
    return _album([(held, weight) for _, held, weight in sets])


def _shown(
    held: Album, look: Look, parameter: recipe_pb2.ClassifierParameter, seed: Sequence[int]
) -> WindowBatch | None:
    """Windows of the pictures that are kept from training, as they are; None without faces there."""
    plain = recipe_pb2.TrainingParameter()
    for field in plain.augment.DESCRIPTOR.fields:
        setattr(plain.augment, field.name, 0)
    sampler = WindowSampler(held, look, None, parameter, plain, seed, {})
    if not sampler.draws(VALIDATED):
        return None
    return sampler.shown(VALIDATED, np.random.default_rng([*seed, VALIDATION]))
