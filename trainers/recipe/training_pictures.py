"""The pictures that a recipe names, all of them together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import numpy as np

from protoface.cascade import cascade_pb2
from protoface.cascade.layouts import Layout
from protoface.cascade.lists import read_lines
from protoface.converters import ProtofaceError
from protoface.converters.prototxt import read_message
from protoface.eval.datasets.dataset import Dataset, read_dataset
from protoface.eval.datasets.picture_set import PictureSet

from ..drawn.folders import finished, write_faces
from . import recipe_pb2
from .jitter import Floats
from .recipe import Recipe

Set = TypeVar("Set", bound=PictureSet)
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
    """All that a stage trains on: the recipe's `data` for it, as read, and drawn faces.

    Those are drawn into `out`/faces, with the points of the recipe's cascade, unless they are there
    already.
    """
    parts = [
        (read, data.weight)
        for read, data in zip(photographs, recipe.parameter.data, strict=True)
        if recipe.shows(data, stage)
    ]
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

    Raises ProtofaceError naming the folder or the list, for points that cannot be converted, and for
    names to leave out that are not in the set.
    """
    dataset = read_dataset(data.folder, data.partition or None)
    if dataset.skipped:
        report(f"{dataset.name}: {len(dataset.skipped)} left out, the first: {dataset.skipped[0]}")
    dataset = without(dataset, left_out(data))
    try:
        return _own_conversion(dataset, data.conversion, recipe.layout).as_layout(recipe.layout)
    except ProtofaceError as error:
        raise ProtofaceError(f"{recipe.source}: its cascade on {data.folder}: {error}") from error


def left_out(data: recipe_pb2.PicturesParameter) -> dict[str, str]:
    """Names that stay out -> where that is said."""
    names = dict.fromkeys(data.leave_out, "leave_out")
    if data.leave_out_list:
        listed = (line.strip() for line in read_lines(data.leave_out_list))
        names.update({name: data.leave_out_list for name in listed if name})
    return names


def without(dataset: Set, names: Mapping[str, str]) -> Set:
    """A set but for the pictures of these names. Raises ProtofaceError for one it does not have."""
    for name in names.keys() - set(dataset.names):
        raise ProtofaceError(
            f"{names[name]}: '{name}' is to stay out, but {dataset.name} has no such picture; names "
            f"are like '{dataset.names[0]}'"
        )
    kept = [index for index, name in enumerate(dataset.names) if name not in names]
    if not kept:
        raise ProtofaceError(f"{dataset.name}: all of its pictures are to stay out")
    return dataset.subset(kept)


def _own_conversion(dataset: Dataset, path: str, to: Layout) -> Dataset:
    """A set with the conversion to the layout `to` in the file at `path`; "": with its layout's own."""
    if not path:
        return dataset
    conversion = read_message(path, cascade_pb2.ConversionParameter())
    if conversion.to != to.name:
        raise ProtofaceError(f"{path}: is a conversion to '{conversion.to}', needs one to {to}")
    return replace(dataset, layout=dataset.layout.with_conversion(conversion, path))
