"""The pictures that a recipe names, all of them together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from protoface.converters import ProtofaceError
from protoface.eval.datasets.dataset import Dataset, read_dataset

from ..drawn.folders import finished, write_faces
from . import recipe_pb2
from .jitter import Floats
from .recipe import Recipe

FACES = "faces"  # folder of drawn faces, in that of the results


@dataclass(frozen=True, eq=False)
class Pictures:
    """Pictures with true points (n, points, 2) in pixels; `weights` (n) says how often each comes."""

    paths: tuple[Path, ...]
    truth: Floats
    weights: Floats

    def __len__(self) -> int:
        return len(self.paths)


def training_pictures(
    recipe: Recipe, stage: str, photographs: Sequence[Dataset], out: Path, workers: int
) -> Pictures:
    """All that a stage trains on: the recipe's `data` as read, and drawn faces.

    Those are drawn into `out`/faces, with the points of the recipe's cascade, unless they are there
    already.
    """
    parts = [(read, data.weight) for read, data in zip(photographs, recipe.parameter.data, strict=True)]
    drawn = recipe.parameter.synthetic
    if recipe.draws_for(stage):
        folder, layout = out / FACES, recipe.layout.name
        if not finished(folder, layout):
            write_faces(
                folder,
                drawn.count,
                drawn.seed,
                workers=workers,
                views=drawn.views,
                narrowest=drawn.narrowest,
                layout=layout,
            )
        parts.append((read_dataset(folder), drawn.weight))
    return Pictures(
        tuple(path for data, _ in parts for path in data.paths),
        np.concatenate([data.truth for data, _ in parts]),
        np.concatenate([np.full(len(data), weight) for data, weight in parts]),
    )


def read_pictures(
    data: recipe_pb2.PicturesParameter, recipe: Recipe, report: Callable[[str], None]
) -> Dataset:
    """One set of a recipe, with the points of its cascade; what is listed but not there is reported.

    Raises ProtofaceError naming the folder or the list, and for points that cannot be converted.
    """
    dataset = read_dataset(data.folder, data.partition or None)
    if dataset.skipped:
        report(f"{dataset.name}: {len(dataset.skipped)} left out, the first: {dataset.skipped[0]}")
    try:
        return dataset.as_layout(recipe.layout)
    except ProtofaceError as error:
        raise ProtofaceError(f"{recipe.source}: its cascade on {data.folder}: {error}") from error
