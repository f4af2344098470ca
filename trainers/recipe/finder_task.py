"""Training of a stage that finds all faces of a picture with maps of scores, boxes and points."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
from numpy.typing import NDArray
from torch import Tensor
from tqdm import tqdm

from protoface.cascade.parallel import in_order
from protoface.cascade.pictures import read_picture
from protoface.converters import ProtofaceError
from protoface.eval.datasets.dataset import read_set

from ..faces.crops import Source, make_source
from ..faces.found import SIZES, average_precision, find, judged
from ..faces.map_losses import MapWeights, map_loss
from ..faces.places import read_maps
from ..faces.scene import Scene, set_aside
from ..faces.scenes import scenes_of
from . import recipe_pb2
from .crop_sampler import CropBatch, CropSampler, Group, Pixels
from .finder_options import crop_options, face_maps
from .recipe_run import RecipeRun
from .task import Answer, Task, Validated
from .training_pictures import left_out, without


class FinderTask(Task):
    """See `Task`. Its figure is the mean of the average precisions of faces of SIZES."""

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
        if not self._held:
            return None
        found = [
            find(answer, self._pixels.prepare, self.maps, read_picture(scene.path))
            for scene in self._held
        ]
        alarms = [
            scores.max(initial=0)
            for (_, scores), s in zip(found, self._held, strict=True)
            if not len(s)
        ]
        limit = float(np.quantile(alarms, 0.95)) if alarms else 0.0
        values, texts = [], []
        for least in SIZES:
            value, recall = _measured(found, self._held, least, limit)
            values.append(value)
            texts.append(f"{value:.3f} ({recall:.2f})")
        return Validated(
            float(np.mean(values)),
            f"AP of faces from {'/'.join(map(str, SIZES))} pixels {' '.join(texts)}, in brackets the "
            f"recall above {limit:.2f}, where 95 % of {len(alarms)} empty pictures stay clean",
        )


def _measured(
    found: Sequence[tuple[NDArray[np.float64], NDArray[np.float64]]],
    scenes: Sequence[Scene],
    least: float,
    limit: float,
) -> tuple[float, float]:
    """Average precision on pictures with faces, and the recall above a score."""
    hits, scores, faces = [], [], 0
    for (boxes, own), scene in zip(found, scenes, strict=True):
        if len(scene):
            results, count = judged(boxes, scene, least)
            hits.append(results[results >= 0])
            scores.append(own[results >= 0])
            faces += count
    hit, score = np.concatenate(hits) == 1, np.concatenate(scores)
    return average_precision(score, hit, faces), float((hit & (score > limit)).sum() / max(faces, 1))


def _read(
    data: Sequence[recipe_pb2.PicturesParameter], workers: int, report: Callable[[str], None]
) -> tuple[list[Group], list[Scene]]:
    """The sets of a finder in memory, and the scenes that it is validated on."""
    groups, held = [], []
    for each in data:
        found = read_set(each.folder, each.partition or None)
        found = without(found, left_out(each))
        kept = []
        for name, scene in zip(found.names, scenes_of(found), strict=True):
            (held if set_aside(name, each.validation_share) else kept).append(scene)
        report(f"{found.name}: {len(kept)} pictures to train on, {len(found) - len(kept)} kept from it")
        with (
            ThreadPoolExecutor(workers) as pool,
            tqdm(total=len(kept), desc="read", disable=None) as bar,
        ):
            sources = []
            for source in in_order(pool, partial(_source), kept, 4 * workers):
                bar.update()
                sources.append(source)
        groups.append(Group(sources, each.weight))
    return groups, held


def _source(scene: Scene) -> Source:
    return make_source(scene, read_picture(scene.path))
