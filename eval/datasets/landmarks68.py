"""Sets of 68 points in one CSV file beside CelebA's folders and lists."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from protoface.cascade.lists import read_lines
from protoface.converters.errors import ProtofaceError

from .celeba import listed
from .dataset import Dataset, register
from .picture_set import Floats

LANDMARKS68 = "landmarks68.csv"
COLUMNS = 1 + 2 * 68


@register(f"{LANDMARKS68} (68 points)", lambda root: (root / LANDMARKS68).is_file())
def read_landmarks68(root: Path) -> Dataset:
    """A line `name,x0,y0 .. x67,y67` for each picture, in pixels from 0; names of columns may precede.

    Folder of the pictures, partitions and boxes are as in CelebA's layout.
    """
    path = root / LANDMARKS68
    points: dict[str, Floats] = {}
    for number, row in enumerate(csv.reader(read_lines(path)), start=1):
        if not row or (number == 1 and row[1:2] == ["x0"]):
            continue
        where = f"{path}: line {number}"
        if row[0] in points:
            raise ProtofaceError(f"{where}: '{row[0]}' is listed a second time")
        points[row[0]] = _points(row, where)
    if not points:
        raise ProtofaceError(f"{path}: lists no picture")
    return listed(root, "ibug68", tuple(points), np.array(list(points.values())))


def _points(row: list[str], where: str) -> Floats:
    if len(row) != COLUMNS:
        raise ProtofaceError(f"{where}: {len(row)} columns, needs a name and 68 times x, y ({COLUMNS})")
    try:
        points = np.array([float(value) for value in row[1:]]).reshape(68, 2)
    except ValueError as error:
        raise ProtofaceError(f"{where}: {error}") from error
    if not np.isfinite(points).all():
        raise ProtofaceError(f"{where}: a number is not finite")
    return points
