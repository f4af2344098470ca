"""Sets of labelled pictures in CelebA's layout: where the files are, and which part a picture is in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from protoface.cascade.lists import read_list
from protoface.converters import ProtofaceError
from protoface.converters.files import PathLike

LANDMARKS = "list_landmarks_celeba.txt"
PARTITION = "list_eval_partition.txt"
BOXES = "list_bbox_celeba.txt"
FOLDERS = ("img_celeba", "img_align_celeba", "images")
PARTS = ("train", "val", "test")  # as list_eval_partition.txt numbers them
TRAIN_SHARE = 0.8  # the original's

Points = NDArray[np.float64]


@dataclass(frozen=True)
class Labelled:
    """One picture of a set: `points` (5, 2) are pixels, in image order; `part` is one of PARTS."""

    name: str
    path: str
    points: Points
    part: str


class CelebA:
    """A folder in CelebA's layout.

    Pictures are in `img_celeba/`, `img_align_celeba/` or `images/`, their points in
    `list_landmarks_celeba.txt`. `list_eval_partition.txt` says which part a picture is in; without it
    `seed` draws four fifths of them for training, each picture on its own, as the original did (there
    unseeded). Raises ProtofaceError naming the file and the line.
    """

    def __init__(self, data: PathLike, seed: int = 0) -> None:
        self.folder = Path(data)
        self.images = _images(self.folder)
        self.points = read_list(self.folder / LANDMARKS, 10)
        self.parts = _parts(self.folder / PARTITION, list(self.points), seed)

    def __len__(self) -> int:
        return len(self.points)

    def __iter__(self) -> Iterator[Labelled]:
        images = self.images.as_posix()
        for (name, values), part in zip(self.points.items(), self.parts, strict=True):
            yield Labelled(name, f"{images}/{name}", values.reshape(5, 2), PARTS[part])


def _images(folder: Path) -> Path:
    if not folder.is_dir():
        raise ProtofaceError(f"{folder}: not a folder")
    for name in FOLDERS:
        if (folder / name).is_dir():
            return folder / name
    raise ProtofaceError(f"{folder}: has none of the folders {', '.join(FOLDERS)}")


def _parts(path: Path, names: list[str], seed: int) -> NDArray[np.int64]:
    if not path.exists():
        drawn = np.random.default_rng(seed).random(len(names)) <= TRAIN_SHARE
        return np.where(drawn, PARTS.index("train"), PARTS.index("test"))
    listed = read_list(path, 1)
    for name in names:
        if name not in listed:
            raise ProtofaceError(f"{path}: does not say which part '{name}' is in")
    parts = np.array([listed[name] for name in names])[:, 0]
    wrong = np.flatnonzero(~np.isin(parts, range(len(PARTS))))
    if len(wrong):
        name, part = names[wrong[0]], parts[wrong[0]]
        raise ProtofaceError(f"{path}: '{name}' is in part {part:g}, not in 0, 1 or 2")
    return parts.astype(np.int64)
