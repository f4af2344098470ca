"""Training of a stage that finds all faces of a picture with maps of scores, boxes and points."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from torch import Tensor

from protoface.cascade.pictures import read_picture
from protoface.converters import ProtofaceError
from protoface.eval.average_precision import Ranking
from protoface.eval.datasets.box_set import BoxSet
from protoface.eval.detection import LEAST, Detected

from ..faces.crops import Source, make_source
from ..faces.face_scene import Scene
from ..faces.found import find
from ..faces.map_losses import MapWeights, map_loss
from ..faces.places import read_maps
from . import recipe_pb2
from .crop_sampler import CropBatch, CropSampler, Group, Pixels
from .finder_options import crop_options, face_maps
from .recipe_run import RecipeRun
from .scene_sets import read_scene_sets, read_scenes
from .task import Answer, Task, Validated

#: The part of the pictures without faces that has no alarm at the score at which recall is given.
CLEAN = 0.95


class FinderTask(Task):
    """See `Task`. Its figure is the mean of the average precisions of faces of all sizes of LEAST."""

    def __init__(self, run: RecipeRun, index: int) -> None:
        stage = run.definition.stage[index]
        training = run.recipe.training(stage.name)
        finder = training.finder
        where = f"{run.recipe.source}: stage '{stage.name}'"
        self.maps = face_maps(stage, where)
        self.weights = MapWeights(finder.score, finder.box, finder.points)
        self._pixels = Pixels(stage.preprocess)
        groups, self._held = _read(finder.data, run.workers, run.report)
        if not any(group.sources[0].complete for group in groups):
            raise ProtofaceError(f"{where}: needs pictures whose faces are all known, or without faces")
        options = crop_options(finder)
        seed = [run.recipe.parameter.seed, index]
        self._sampler = CropSampler(groups, options, training, self._pixels, self.maps, seed)
        self.size = sum(len(group.sources) for group in groups)
        self.shown = f"{self.size} pictures"

    def batch(self, number: int) -> CropBatch:  # noqa: D102
        return self._sampler.batch(number)

    def objective(self, outputs: Mapping[str, Tensor], batch: CropBatch) -> Tensor:  # noqa: D102
        return map_loss(read_maps(outputs, self.maps), batch.truth, self.weights)

    def validate(self, answer: Answer) -> Validated | None:
        """Average precision on the pictures that are kept from training, and alarms where nobody is."""
        measured = [self._measured(answer, held) for held in self._held]
        alarms = np.array([score for found in measured for score in _highest(found)])
        limit = float(np.quantile(alarms, CLEAN)) if len(alarms) else 0.0
        sizes = {least: _ranked(measured, least) for least in LEAST}
        curves = {least: ranking.curve() for least, ranking in sizes.items() if ranking.faces.any()}
        if not curves:
            return None
        areas = [curve.area for curve in curves.values()]
        recalls = [
            float(curve.recall[curve.scores > limit].max(initial=0)) for curve in curves.values()
        ]
        return Validated(
            float(np.mean(areas)),
            f"AP of faces from {'/'.join(map(str, curves))} pixels {_shown(areas)}, recall "
            f"{_shown(recalls)} with scores above {limit:.2f}, where {CLEAN:.0%} of {len(alarms)} "
            "pictures without faces stay clean",
        )

    def _measured(self, answer: Answer, held: BoxSet) -> Detected:
        """What is found in a set, as `protoface eval` measures it."""
        start = time.perf_counter()
        found = [
            find(answer, self._pixels.prepare, self.maps, read_picture(path)) for path in held.paths
        ]
        boxes = tuple(np.concatenate((box[:, :2], box[:, 2:] - box[:, :2]), axis=1) for box, _ in found)
        scores = tuple(score for _, score in found)
        seconds = time.perf_counter() - start
        return Detected(held, np.arange(len(held)), boxes, scores, (), seconds)


def _highest(found: Detected) -> list[float]:
    """The best score in each picture without a face."""
    pairs = zip(found.scores, found.dataset.boxes, strict=True)
    return [float(scores.max(initial=0)) for scores, boxes in pairs if not len(boxes)]


def _ranked(measured: Sequence[Detected], least: int) -> Ranking:
    """All that was found in the pictures with faces, best score first."""
    parts = [found.ranking(least) for found in measured if found.dataset.faces]
    if not parts:
        return Ranking(*(np.zeros(0, kind) for kind in (float, bool, np.int64, np.int64)))
    scores, hits, faces = (
        np.concatenate([getattr(part, name) for part in parts]) for name in ("scores", "hits", "faces")
    )
    starts = np.cumsum([0, *(len(part.faces) for part in parts[:-1])])
    pictures = np.concatenate(
        [part.pictures + start for part, start in zip(parts, starts, strict=True)]
    )
    order = np.argsort(-scores, kind="stable")
    return Ranking(scores[order], hits[order], pictures[order], faces)


def _shown(values: Sequence[float]) -> str:
    return "/".join(f"{value:.3f}" for value in values)


def _read(
    data: Sequence[recipe_pb2.PicturesParameter], workers: int, report: Callable[[str], None]
) -> tuple[list[Group], list[BoxSet]]:
    """The sets of a finder in memory, and the parts of them that it is validated on."""
    groups, held = [], []
    for each in read_scene_sets(data, report):
        groups.append(Group(read_scenes(each.kept, _source, workers), each.weight))
        if each.held is not None:
            held.append(each.held)
    return groups, held


def _source(scene: Scene) -> Source:
    return make_source(scene, read_picture(scene.path))
