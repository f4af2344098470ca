"""CelebA's layout of folders: lists of five points, partitions and boxes beside the pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from protoface.cascade.layouts import find_layout
from protoface.cascade.lists import read_list
from protoface.converters.errors import ProtofaceError

from .dataset import Dataset, register
from .picture_set import NO_PART, PARTS, Floats

LANDMARKS = "list_landmarks_celeba.txt"
PARTITION = "list_eval_partition.txt"
BOXES = "list_bbox_celeba.txt"
#: Where pictures are looked for, in this order. The list of points is that of img_celeba; aligned
#: pictures have a list of their own, which only who has these alone would give its name.
FOLDERS = ("img_celeba", "img_align_celeba", "images")


@register(f"{LANDMARKS} (CelebA)", lambda root: (root / LANDMARKS).is_file())
def read_celeba(root: Path) -> Dataset:
    """Pictures with five points each: see `picture_folder` and `read_parts`; boxes are optional."""
    points = read_list(root / LANDMARKS, 10)
    truth = np.array(list(points.values())).reshape(-1, 5, 2)
    return listed(root, "celeba5", tuple(points), truth)


def listed(root: Path, layout: str, names: tuple[str, ...], truth: Floats) -> Dataset:
    """A set of these pictures, with folder, partitions and boxes as CelebA has them."""
    parts, unlabelled = read_parts(root / PARTITION, names)
    return Dataset(
        name=f"{root.name} all",
        root=root,
        layout=find_layout(layout),
        folder=picture_folder(root),
        names=names,
        truth=truth,
        parts=parts,
        boxes=_boxes(root / BOXES, names),
        unlabelled=unlabelled,
    )


def picture_folder(root: Path) -> Path:
    """The first of FOLDERS that is there; else the set's own folder."""
    return next((root / name for name in FOLDERS if (root / name).is_dir()), root)


def read_parts(path: Path, names: tuple[str, ...]) -> tuple[NDArray[np.int8], dict[str, int]]:
    """The partition (n) of each name by the list, NO_PART where it is not there or the list is not.

    Then the names of the list that are not of `names`, with their partitions. Raises ProtofaceError for
    a number that is no partition.
    """
    entries = read_list(path, 1) if path.is_file() else {}
    for name, (part,) in entries.items():
        if part not in range(len(PARTS)):
            raise ProtofaceError(f"{path}: '{name}' is in part {part:g}, not in 0, 1 or 2")
    parts = np.array([entries.pop(name, (NO_PART,))[0] for name in names], np.int8)
    return parts, {name: int(part) for name, (part,) in entries.items()}


def _boxes(path: Path, names: tuple[str, ...]) -> Floats | None:
    if not path.is_file():
        return None
    boxes, missing = read_list(path, 4), np.full(4, np.nan)
    return np.array([boxes.get(name, missing) for name in names])
