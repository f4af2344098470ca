"""WFLW's layout of folders: lists of 98 points, rectangles and attributes."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from protoface.cascade.layouts import find_layout
from protoface.cascade.lists import read_lines
from protoface.converters.errors import ProtofaceError

from .dataset import Dataset, register
from .picture_set import PARTS, Floats

LISTS = {part: f"list_98pt_rect_attr_{part}.txt" for part in ("train", "test")}
#: Where the lists are looked for, in this order: as they come, or beside the pictures' folder.
FOLDERS = (
    "WFLW_annotations/list_98pt_rect_attr_train_test",
    "WFLW_annotations",
    "list_98pt_rect_attr_train_test",
    ".",
)
PICTURES = "WFLW_images"
#: The flags of a face, in the order of the lists.
ATTRIBUTES = ("pose", "expression", "illumination", "make-up", "occlusion", "blur")
VALUES = 2 * 98 + 4 + len(ATTRIBUTES)


@register(f"{LISTS['test']} (WFLW)", lambda root: bool(_lists(root)))
def read_wflw(root: Path) -> Dataset:
    """Faces of the lists for train and test, or of the one that is there, in the order of the lists.

    A line has 207 fields: 98 points in pixels, a rectangle's left, top, right, bottom, the flags
    ATTRIBUTES (0 or 1) and the picture's path in `WFLW_images/`. One picture may show several faces.
    """
    names: list[str] = []
    rows: list[Floats] = []
    parts: list[int] = []
    for part, path in _lists(root).items():
        for number, line in enumerate(read_lines(path), start=1):
            if line.strip():
                name, values = _face(line, f"{path}: line {number}")
                names.append(name)
                rows.append(values)
                parts.append(PARTS.index(part))
    if not rows:
        raise ProtofaceError(f"{root}: its lists name no picture")
    truth, corners, flags = np.split(np.array(rows), (196, 200), axis=1)
    return Dataset(
        name=f"{root.name} all",
        root=root,
        layout=find_layout("wflw98"),
        folder=root / PICTURES if (root / PICTURES).is_dir() else root,
        names=tuple(names),
        truth=truth.reshape(-1, 98, 2),
        parts=np.array(parts, np.int8),
        boxes=np.concatenate((corners[:, :2], corners[:, 2:] - corners[:, :2]), axis=1),
        attributes=dict(zip(ATTRIBUTES, flags.T.astype(bool), strict=True)),
    )


def _lists(root: Path) -> dict[str, Path]:
    """Part -> its list, in the first of FOLDERS that has one; a list may be empty, but not both."""
    for folder in FOLDERS:
        paths = {part: root / folder / name for part, name in LISTS.items()}
        found = {part: path for part, path in paths.items() if path.is_file() and path.stat().st_size}
        if found:
            return found
    return {}


def _face(line: str, where: str) -> tuple[str, Floats]:
    """A picture's name and the numbers of a face in it."""
    *fields, name = line.split()
    if len(fields) != VALUES:
        raise ProtofaceError(f"{where}: {len(fields) + 1} fields, needs {VALUES + 1}")
    try:
        values = np.array([float(value) for value in fields])
    except ValueError as error:
        raise ProtofaceError(f"{where}: {error}") from error
    if not np.isfinite(values).all():
        raise ProtofaceError(f"{where}: a number is not finite")
    if not np.isin(values[200:], (0, 1)).all():
        raise ProtofaceError(f"{where}: the flags are {' '.join(fields[200:])}, each must be 0 or 1")
    return name, values
