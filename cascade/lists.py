"""Annotation lists: one picture a line, its name and some numbers, with or without CelebA's header."""

from __future__ import annotations

import math
import os

import numpy as np
from numpy.typing import NDArray

from protoface.converters.errors import ProtofaceError
from protoface.converters.files import read_bytes


def read_list(path: str | os.PathLike[str], count: int) -> dict[str, NDArray[np.float64]]:
    """Name -> `count` numbers, in the order of the file; the name may hold spaces.

    CelebA's two header lines (number of pictures, names of the columns) are recognised and checked:
    `list_landmarks_celeba.txt` has 10 numbers (x1 y1 .. x5 y5, pixels), `list_bbox_celeba.txt` 4 (x, y,
    width, height). Raises ProtofaceError naming the line: too few or too many numbers, a name twice, a
    header that promises another number of pictures.
    """
    try:
        lines = read_bytes(path).decode("utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise ProtofaceError(f"{path}: not a text file (byte {error.start} is not UTF-8)") from error
    first = next((number for number, line in enumerate(lines) if line.strip()), len(lines))
    announced = int(lines[first]) if first < len(lines) and lines[first].strip().isdigit() else None
    skipped = first + 2 if announced is not None else 0
    names: dict[str, None] = {}  # a set in the file's order
    numbers: list[float] = []
    for number, line in enumerate(lines[skipped:], start=skipped + 1):
        if line.strip():
            name, values = _entry(line, count, path, number)
            if name in names:
                raise ProtofaceError(f"{path}: line {number}: '{name}' is there a second time")
            names[name] = None
            numbers += values
    if announced is not None and announced != len(names):
        raise ProtofaceError(f"{path}: announces {announced} pictures but lists {len(names)}")
    if not names:
        raise ProtofaceError(f"{path}: lists no picture")
    # one array, of which each name has a row: an array a line would take as long as reading it
    return dict(zip(names, np.array(numbers).reshape(-1, count), strict=True))


def _entry(line: str, count: int, path: str | os.PathLike[str], number: int) -> tuple[str, list[float]]:
    name, *fields = line.strip().rsplit(None, count)
    try:
        values = [float(field) for field in fields]
    except ValueError:
        values = [math.nan]
    if len(fields) != count or not all(map(math.isfinite, values)):
        raise ProtofaceError(
            f"{path}: line {number}: not a name and {count} numbers: {line.strip()[:80]!r}"
        )
    if " " in name.strip() and _is_number(name.rsplit(None, 1)[-1]):
        raise ProtofaceError(f"{path}: line {number}: more than {count} numbers: {line.strip()[:80]!r}")
    return name, values


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
