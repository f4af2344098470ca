"""A folder of pictures without a list: none of them shows a face."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from protoface.cascade.formats import PICTURES

from .box_set import BoxSet
from .dataset import register
from .picture_set import NO_PART


@register("pictures without faces (right in the folder, no list)", lambda root: bool(_pictures(root)))
def read_no_faces(root: Path) -> BoxSet:
    """All pictures that lie right in a folder, sorted; whatever is found in them is a false alarm.

    Those of folders in it do not count: a set whose list is missing has its pictures there.
    """
    names = _pictures(root)
    none = np.zeros((0, 4))
    return BoxSet(
        name=f"{root.name} all",
        root=root,
        folder=root,
        names=names,
        parts=np.full(len(names), NO_PART, np.int8),
        boxes=(none,) * len(names),
        ignored=(none[:, 0] > 0,) * len(names),
    )


def _pictures(root: Path) -> tuple[str, ...]:
    names = (path.name for path in root.iterdir() if path.is_file() and path.name[0] != ".")
    return tuple(sorted(name for name in names if Path(name).suffix.lower() in PICTURES))
