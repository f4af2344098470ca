"""WIDER FACE's layout of folders: pictures by events, a list of boxes for each partition."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from protoface.cascade.lists import read_lines
from protoface.converters.errors import ProtofaceError

from .box_set import BoxSet
from .dataset import register
from .picture_set import PARTS, Floats

#: Where the lists are looked for, in this order: as they come, or beside the pictures' folder.
FOLDERS = ("wider_face_split", ".")
LISTS = {part: f"wider_face_{part}_bbx_gt.txt" for part in ("train", "val")}
#: What a line says of a face after x, y, width, height; `invalid` faces are ignored.
ATTRIBUTES = ("blur", "expression", "illumination", "invalid", "occlusion", "pose")
VALUES = 4 + len(ATTRIBUTES)


class Entry(NamedTuple):
    """A picture of a list: its name there, and a row (faces, VALUES) for each face."""

    name: str
    faces: Floats


@register(f"{LISTS['val']} (WIDER FACE)", lambda root: bool(_lists(root)))
def read_wider(root: Path) -> BoxSet:
    """Pictures of the lists for train and val, or of the one that is there, in the order of the lists.

    The pictures of a list are in `WIDER_train/images/` or `WIDER_val/images/`, else in `images/`, else
    in `root` itself. A face is ignored where the list calls it invalid, or its box has no area. Raises
    ProtofaceError naming file and line.
    """
    names: list[str] = []
    faces: list[Floats] = []
    parts: list[int] = []
    for part, path in _lists(root).items():
        folder = _folder(root, part)
        for entry in read_wider_list(path):
            names.append(f"{folder}{entry.name}")
            faces.append(entry.faces)
            parts.append(PARTS.index(part))
    if not names:
        raise ProtofaceError(f"{root}: its lists name no picture")
    boxes = tuple(rows[:, :4] for rows in faces)
    flags = {
        name: tuple(rows[:, 4 + column].astype(np.int8) for rows in faces)
        for column, name in enumerate(ATTRIBUTES)
    }
    return BoxSet(
        name=f"{root.name} all",
        root=root,
        folder=root,
        names=tuple(names),
        parts=np.array(parts, np.int8),
        boxes=boxes,
        ignored=tuple(
            (invalid != 0) | (each[:, 2:] <= 0).any(axis=1)
            for each, invalid in zip(boxes, flags["invalid"], strict=True)
        ),
        attributes=flags,
    )


def _lists(root: Path) -> dict[str, Path]:
    """Part -> its list, in the first of FOLDERS that has one."""
    for folder in FOLDERS:
        paths = {part: root / folder / name for part, name in LISTS.items()}
        found = {part: path for part, path in paths.items() if path.is_file()}
        if found:
            return found
    return {}


def _folder(root: Path, part: str) -> str:
    """What precedes a list's names of pictures, relative to `root`."""
    for folder in (f"WIDER_{part}/images/", "images/"):
        if (root / folder).is_dir():
            return folder
    return ""


def read_wider_list(path: Path) -> Iterator[Entry]:
    """The pictures of a list: a line with the name, one with the number of faces, a line for each face.

    A face is x y width height in pixels, then ATTRIBUTES. Where there are no faces a line of zeros
    follows, as in the official lists, or none. Raises ProtofaceError naming the line.
    """
    lines = [line.strip() for line in read_lines(path)]
    there: set[str] = set()
    at = 0
    while at < len(lines):
        name, where = lines[at], f"{path}: line {at + 1}"
        if not name:
            at += 1
            continue
        if name in there:
            raise ProtofaceError(f"{where}: '{name}' is listed a second time")
        there.add(name)
        count = _count(lines[at + 1 : at + 2], f"{path}: line {at + 2}", name)
        rows = lines[at + 2 : at + 2 + count]
        if len(rows) < count:
            raise ProtofaceError(f"{where}: '{name}' has {len(rows)} lines of faces, needs {count}")
        numbered = enumerate(rows, start=at + 3)
        faces = [_face(row, f"{path}: line {number}") for number, row in numbered]
        yield Entry(name, np.array(faces, np.float64).reshape(-1, VALUES))
        at += 2 + count
        at += count == 0 and at < len(lines) and _all_zero(lines[at])


def _count(line: list[str], where: str, name: str) -> int:
    if not line:
        raise ProtofaceError(f"{where}: the list ends after '{name}'; needs its number of faces")
    if not (line[0].isascii() and line[0].isdigit() and len(line[0]) < 10):
        raise ProtofaceError(f"{where}: not the number of faces of '{name}': {line[0][:80]!r}")
    return int(line[0])


def _all_zero(line: str) -> bool:
    """Whether a line is the one that stands in the place of faces where there are none."""
    return line.split() == ["0"] * VALUES


def _face(line: str, where: str) -> list[float]:
    """The numbers of a face."""
    fields = line.split()
    try:
        values = [float(field) for field in fields]
    except ValueError:
        values = [float("nan")]
    if len(fields) != VALUES or not np.isfinite(values).all():
        raise ProtofaceError(
            f"{where}: not x y width height and {len(ATTRIBUTES)} attributes of a face: {line[:80]!r}"
        )
    if min(values[2:4]) < 0:
        raise ProtofaceError(f"{where}: a box of {values[2]:g} x {values[3]:g} pixels")
    if not all(value in range(-128, 128) for value in values[4:]):
        raise ProtofaceError(f"{where}: the attributes are {' '.join(fields[4:])}, not whole numbers")
    return values
