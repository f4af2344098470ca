"""The sets that tasks with pictures of their own are trained on, and the parts kept for validation."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from tqdm import tqdm

from protoface.cascade.parallel import in_order
from protoface.converters import ProtofaceError
from protoface.eval.datasets.box_set import BoxSet
from protoface.eval.datasets.dataset import read_set
from protoface.eval.datasets.picture_set import PictureSet

from ..faces.face_scene import Scene, set_aside
from ..faces.scenes import scenes_of
from . import recipe_pb2
from .training_pictures import left_out, without

Kept = TypeVar("Kept")


@dataclass(frozen=True, eq=False)
class SceneSet:
    """A set to train on, `kept`, the part `held` for validation, and how often its pictures come."""

    kept: PictureSet
    held: BoxSet | None
    weight: float


def read_scene_sets(
    data: Sequence[recipe_pb2.PicturesParameter], report: Callable[[str], None]
) -> Iterator[SceneSet]:
    """The sets that a task names, one by one. Raises ProtofaceError for what they do not have."""
    for each in data:
        found = read_set(each.folder, each.partition or None)
        found = without(found, left_out(each))
        aside = np.array([set_aside(name, each.validation_share) for name in found.names])
        kept, held = found.subset(np.flatnonzero(~aside)), None
        if not len(kept):
            raise ProtofaceError(f"{found.name}: nothing is left to train on; lower validation_share")
        if aside.any():
            if not isinstance(found, BoxSet):
                raise ProtofaceError(f"{found.name}: has no boxes, so it takes no validation_share")
            held = found.subset(np.flatnonzero(aside))
        report(f"{found.name}: {len(kept)} pictures to train on, {aside.sum()} kept from it")
        yield SceneSet(kept, held, each.weight)


def read_scenes(found: PictureSet, make: Callable[[Scene], Kept], workers: int) -> list[Kept]:
    """What `make` makes of each scene of a set, by several threads."""
    pool, made = ThreadPoolExecutor(workers), []
    with pool, tqdm(total=len(found), desc="read", disable=None) as bar:
        for each in in_order(pool, make, scenes_of(found), 4 * workers):
            bar.update()
            made.append(each)
    return made
