"""Pictures with a box around every face: any number of faces in each, or none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from .picture_set import PARTS, Floats, PictureSet

Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class BoxedPicture:
    """One picture of a set: `boxes` (faces, 4) are x, y, width, height in pixels, `ignored` (faces).

    `part` is one of PARTS, "" if the set has none.
    """

    name: str
    path: str
    boxes: Floats
    ignored: Flags
    part: str


@dataclass(frozen=True, eq=False, kw_only=True)
class BoxSet(PictureSet):
    """Pictures whose faces have boxes, each picture once.

    It has the fields of a `PictureSet`. `boxes` (n) are for each picture an array (faces, 4) of x, y,
    width, height in pixels. `ignored` (n), an array (faces) each, marks faces that are in no figure:
    finding them is no success, missing them no miss. `attributes` are what the set says of its faces:
    name -> an array (faces) for each picture.
    """

    boxes: tuple[Floats, ...]
    ignored: tuple[Flags, ...]
    attributes: Mapping[str, tuple[NDArray[np.int8], ...]] = field(default_factory=dict)

    def __iter__(self) -> Iterator[BoxedPicture]:
        entries = zip(self.names, self.boxes, self.ignored, self.parts.tolist(), strict=True)
        for name, boxes, ignored, part in entries:
            path = f"{self.folder.as_posix()}/{name}"
            yield BoxedPicture(name, path, boxes, ignored, PARTS[part] if part >= 0 else "")

    @property
    def faces(self) -> int:
        """How many faces there are, the ignored ones included."""
        return sum(map(len, self.boxes))

    @property
    def ignored_faces(self) -> int:
        """How many of them are ignored."""
        return sum(int(ignored.sum()) for ignored in self.ignored)

    def subset(self, indices: Sequence[int] | NDArray[np.int64]) -> BoxSet:
        """The pictures at `indices`, in that order."""
        at = np.asarray(indices, np.int64).tolist()
        return replace(
            super().subset(indices),
            boxes=tuple(self.boxes[index] for index in at),
            ignored=tuple(self.ignored[index] for index in at),
            attributes={
                name: tuple(values[index] for index in at) for name, values in self.attributes.items()
            },
        )
