"""300-W's layout of folders: each picture with a .pts file of 68 (or 77) points beside it."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from protoface.cascade.layouts import find_layout
from protoface.cascade.lists import read_lines
from protoface.converters.errors import ProtofaceError

from .dataset import Dataset, register
from .picture_set import NO_PART, PARTS, Floats

SUFFIXES = (".jpg", ".png")
#: Number of points -> their layout.
LAYOUTS = {68: "ibug68", 77: "ibug77"}
#: Folders of 300-W -> what they are for. AFW is all for training, iBUG the harder part of the test.
FOLDERS = {"trainset": "train", "afw": "train", "testset": "test", "ibug": "test"}


@register(".pts files (300-W)", lambda root: next(root.rglob("*.pts"), None) is not None)
def read_w300(root: Path) -> Dataset:
    """All pictures of a folder, and of those in it, that have a .pts file; sorted by their paths.

    `trainset` and `afw` are for training, `testset` and `ibug` for test; `root` may be one of them, or
    hold them at any depth. A picture is a .jpg or a .png. All have the same number of points.
    """
    paths = sorted(root.rglob("*.pts"))
    truth = [read_pts(path) for path in paths]
    for path, points in zip(paths, truth, strict=True):
        if len(points) != len(truth[0]):
            raise ProtofaceError(f"{path}: has {len(points)} points, {paths[0]} has {len(truth[0])}")
    return Dataset(
        name=f"{root.name} all",
        root=root,
        layout=find_layout(LAYOUTS[len(truth[0])]),
        folder=root,
        names=tuple(_picture(path).relative_to(root).as_posix() for path in paths),
        truth=np.array(truth),
        parts=np.array([_part(path) for path in paths], np.int8),
    )


def read_pts(path: Path) -> Floats:
    """Points (n, 2), n of LAYOUTS, in pixels from 0; the file counts from 1, as Matlab does.

    Raises ProtofaceError naming the line.
    """
    lines = [line.strip() for line in read_lines(path)]
    if "{" not in lines or "}" not in lines:
        raise ProtofaceError(
            f"{path}: needs its points in lines between {{ and }}; it is cut off or no .pts"
        )
    first = lines.index("{") + 1
    count = _announced(lines[: first - 1], path)
    rows = [
        _point(line, f"{path}: line {number}")
        for number, line in enumerate(lines[first : lines.index("}")], start=first + 1)
        if line
    ]
    if len(rows) != count:
        raise ProtofaceError(f"{path}: has {len(rows)} points, n_points says {count}")
    return np.array(rows) - 1


def _announced(head: list[str], path: Path) -> int:
    """The number of points that the lines before them announce."""
    for number, line in enumerate(head, start=1):
        key, _, value = line.partition(":")
        if key.strip() == "n_points":
            if value.strip() in map(str, LAYOUTS):
                return int(value.strip())  # int itself takes fewer characters for space
            needed = " or ".join(map(str, LAYOUTS))
            raise ProtofaceError(f"{path}: line {number}: n_points is {value.strip()}, needs {needed}")
    raise ProtofaceError(f"{path}: does not say how many points it has (n_points)")


def _point(line: str, where: str) -> tuple[float, float]:
    try:
        x, y = map(float, line.split())
    except ValueError:
        x = y = float("nan")
    if not np.isfinite((x, y)).all():
        raise ProtofaceError(f"{where}: not two numbers: {line[:80]!r}")
    return x, y


def _picture(path: Path) -> Path:
    """The picture of a .pts file; the .jpg where there is none, to be named as missing."""
    pictures = [path.with_suffix(suffix) for suffix in SUFFIXES]
    return next((picture for picture in pictures if os.path.isfile(picture)), pictures[0])


def _part(path: Path) -> int:
    """By the nearest folder that is one of FOLDERS."""
    for folder in reversed(path.absolute().parent.parts):
        if folder in FOLDERS:
            return PARTS.index(FOLDERS[folder])
    return NO_PART
