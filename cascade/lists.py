"""Annotation lists: a line `name number ...` for each picture, with or without CelebA's header."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from protoface.converters.errors import ProtofaceError
from protoface.converters.files import read_bytes

Entry = TypeVar("Entry")


def read_lines(path: str | os.PathLike[str], errors: str = "strict") -> list[str]:
    """The lines of a text file in UTF-8; other bytes as `bytes.decode` is told by `errors`.

    Raises ProtofaceError naming it.
    """
    try:
        return read_bytes(path).decode("utf-8", errors).splitlines()
    except UnicodeDecodeError as error:
        raise ProtofaceError(f"{path}: not a text file (byte {error.start} is not UTF-8)") from error


class Matching(Generic[Entry]):
    """Entries of a list by name, found by the paths of pictures; names may be paths themselves."""

    def __init__(self, entries: Mapping[str, Entry]) -> None:
        self.entries = entries
        self._names: dict[
            str, list[str]
        ] = {}  # bare name -> names in the list; searched for each picture
        for name in entries:
            self._names.setdefault(name.rpartition("/")[2], []).append(name)

    def find(self, path: Path, root: Path) -> Entry | None:
        """The entry for the picture at `path`; None if the list has none.

        It is that of the path relative to `root`, the folder that was searched for pictures (or the
        picture's own), else that of the bare name, for lists that were made from another folder. Raises
        ProtofaceError if several entries have that bare name.
        """
        relative = path.relative_to(root).as_posix()
        if relative in self.entries:
            return self.entries[relative]
        names = self._names.get(path.name, [])
        if len(names) > 1:
            raise ProtofaceError(
                f"{path}: the list has no '{relative}', but {len(names)} pictures '{path.name}', such "
                f"as '{names[0]}'; give the folder that the list's names are relative to"
            )
        return self.entries[names[0]] if names else None


def read_list(path: str | os.PathLike[str], count: int) -> dict[str, NDArray[np.float64]]:
    """Name -> `count` numbers, in the order of the file; a name may hold spaces, and be a path.

    CelebA's two header lines (number of pictures, names of the columns) are recognised and checked:
    `list_landmarks_celeba.txt` has 10 numbers (x1 y1 .. x5 y5, pixels), `list_bbox_celeba.txt` 4 (x, y,
    width, height). Raises ProtofaceError naming the line: too few or too many numbers, a name twice, a
    header that promises another number of pictures.
    """
    names, numbers = _entries(path, count, twice=False)
    # one array, of which each name has a row: an array a line would take as long as reading it
    return dict(zip(names, np.array(numbers).reshape(-1, count), strict=True))


def read_boxes(path: str | os.PathLike[str]) -> dict[str, NDArray[np.float64]]:
    """Name -> boxes (n, 4) of x, y, width, height, in the file's order: a line for each face.

    Otherwise as `read_list`; a header counts the lines.
    """
    names, numbers = _entries(path, 4, twice=True)
    boxes: dict[str, list[NDArray[np.float64]]] = {}
    for name, box in zip(names, np.array(numbers).reshape(-1, 4), strict=True):
        boxes.setdefault(name, []).append(box)
    return {name: np.array(each) for name, each in boxes.items()}


def _entries(path: str | os.PathLike[str], count: int, twice: bool) -> tuple[list[str], list[float]]:
    """The names of a list, which may come `twice`, and all of its numbers."""
    lines = read_lines(path)
    first = next((number for number, line in enumerate(lines) if line.strip()), len(lines))
    announced = _announced(lines[first].strip()) if first < len(lines) else None
    skipped = first + 2 if announced is not None else 0
    names: list[str] = []
    there: set[str] = set()
    numbers: list[float] = []
    for number, line in enumerate(lines[skipped:], start=skipped + 1):
        if line.strip():
            name, values = _entry(line, count, path, number)
            if name in there and not twice:
                raise ProtofaceError(f"{path}: line {number}: '{name}' is listed a second time")
            there.add(name)
            names.append(name)
            numbers += values
    if announced is not None and announced != len(names):
        raise ProtofaceError(f"{path}: announces {announced} pictures but lists {len(names)}")
    if not names:
        raise ProtofaceError(f"{path}: lists no picture")
    return names, numbers


def _announced(line: str) -> int | None:
    """The number of pictures, if a line is one: a few digits, not ² nor more than int() takes."""
    return int(line) if line.isdecimal() and len(line) < 20 else None


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
