"""Annotated sets of pictures: CelebA's layout, or 68 points as CSV."""

from __future__ import annotations

import csv
import os
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from protoface.cascade.lists import read_list
from protoface.converters.errors import ProtofaceError
from protoface.converters.files import read_bytes

from ..summary import inter_ocular

PICTURE_FOLDERS = ("images", "img_celeba", "img_align_celeba")
LANDMARKS, PARTITION, BOXES = (
    "list_landmarks_celeba.txt",
    "list_eval_partition.txt",
    "list_bbox_celeba.txt",
)
LANDMARKS68 = "landmarks68.csv"
PARTITIONS = {"train": 0, "val": 1, "test": 2}
POINTS = ("left_eye", "right_eye", "nose", "left_mouth", "right_mouth")
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Dataset:
    """Pictures with five true points each.

    `truth` (n, 5, 2) and the lengths (n) are in pixels; `boxes` (n, 4) x, y, width, height, or None.
    `skipped` says, a line each, which names of the lists cannot be measured and why.
    """

    name: str
    paths: tuple[Path, ...]
    truth: Floats
    inter_ocular: Floats
    inter_pupil: Floats
    boxes: Floats | None = None
    skipped: tuple[str, ...] = field(default=())

    def __len__(self) -> int:
        return len(self.paths)


def read_dataset(folder: str | os.PathLike[str], partition: str | None = None) -> Dataset:
    """The set in a folder: CelebA's layout, or `landmarks68.csv`.

    CelebA's: pictures in `images/`, `img_celeba/` or `img_align_celeba/`, `list_landmarks_celeba.txt`,
    optional `list_eval_partition.txt` and `list_bbox_celeba.txt`. `partition` is train, val or test;
    None takes all. Raises ProtofaceError for a folder that is neither, for lists that cannot be read
    (naming the line), and for an empty partition; single pictures that are missing, or listed without
    points, are in `Dataset.skipped`.
    """
    root = Path(folder)
    if (root / LANDMARKS68).is_file():
        points, wide = _read_landmarks68(root / LANDMARKS68)
    elif (root / LANDMARKS).is_file():
        points = {name: row.reshape(5, 2) for name, row in read_list(root / LANDMARKS, 10).items()}
        wide = {}
    else:
        raise ProtofaceError(f"{root}: has neither {LANDMARKS} nor {LANDMARKS68}")
    names = list(points) if partition is None else _partition(root, partition)
    boxes = read_list(root / BOXES, 4) if (root / BOXES).is_file() else None
    return _assembled(root, partition, names, points, wide, boxes)


def _assembled(
    root: Path,
    partition: str | None,
    names: list[str],
    points: dict[str, Floats],
    wide: dict[str, float],
    boxes: dict[str, Floats] | None,
) -> Dataset:
    pictures = _picture_folder(root)
    paths, kept, skipped = [], [], []
    for name in names:
        if name not in points:
            skipped.append(f"{name}: in the partition, but it has no points")
        elif not (pictures / name).is_file():
            skipped.append(f"{pictures / name}: listed, but there is no such picture")
        else:
            paths.append(pictures / name)
            kept.append(name)
    label = f"{root.name} {partition or 'all'}"
    if not kept:
        raise ProtofaceError(f"{root}: no picture to measure in {label}; {len(skipped)} were skipped")
    truth = np.array([points[name] for name in kept])
    pupils = inter_ocular(truth)
    missing = np.full(4, np.nan)
    return Dataset(
        name=label,
        paths=tuple(paths),
        truth=truth,
        inter_ocular=np.array(
            [wide.get(name, length) for name, length in zip(kept, pupils, strict=True)]
        ),
        inter_pupil=pupils,
        boxes=None if boxes is None else np.array([boxes.get(name, missing) for name in kept]),
        skipped=tuple(skipped),
    )


def _picture_folder(root: Path) -> Path:
    return next((root / name for name in PICTURE_FOLDERS if (root / name).is_dir()), root)


def _partition(root: Path, partition: str) -> list[str]:
    if partition not in PARTITIONS:
        raise ProtofaceError(f"partition '{partition}' is unknown; there are {', '.join(PARTITIONS)}")
    if not (root / PARTITION).is_file():
        raise ProtofaceError(f"{root}: has no {PARTITION}; leave out --partition to measure all")
    wanted = PARTITIONS[partition]
    names = [name for name, (number,) in read_list(root / PARTITION, 1).items() if number == wanted]
    if not names:
        raise ProtofaceError(f"{root / PARTITION}: the partition '{partition}' ({wanted}) is empty")
    return names


def five_points(points: Floats) -> Floats:
    """Five points (..., 5, 2) of 68 (..., 68, 2), numbered from 0 as by iBUG.

    Eyes are the means of 36-41 and 42-47, the nose is 30, the corners of the mouth are 48 and 54.
    """
    left, right = (points[..., i : i + 6, :].mean(axis=-2) for i in (36, 42))
    return np.stack([left, right, *(points[..., i, :] for i in (30, 48, 54))], axis=-2)


def _read_landmarks68(path: Path) -> tuple[dict[str, Floats], dict[str, float]]:
    """Name -> five points, and name -> distance of the outer eye corners (36, 45)."""
    points: dict[str, Floats] = {}
    wide: dict[str, float] = {}
    try:
        lines = read_bytes(path).decode("utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise ProtofaceError(f"{path}: not a text file (byte {error.start} is not UTF-8)") from error
    for number, row in enumerate(csv.reader(lines), start=1):
        if not row or (number == 1 and row[1:2] == ["x0"]):
            continue
        if len(row) != 137:
            raise ProtofaceError(
                f"{path}: line {number}: {len(row)} columns, needs a name and 68 times x, y (137)"
            )
        try:
            values = np.array([float(value) for value in row[1:]]).reshape(68, 2)
        except ValueError as error:
            raise ProtofaceError(f"{path}: line {number}: {error}") from error
        if row[0] in points or not np.isfinite(values).all():
            raise ProtofaceError(f"{path}: line {number}: '{row[0]}' twice, or a number not finite")
        points[row[0]] = five_points(values)
        wide[row[0]] = float(inter_ocular(values, 36, 45))
    if not points:
        raise ProtofaceError(f"{path}: lists no picture")
    return points, wide
