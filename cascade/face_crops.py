"""Faces of pictures as pictures of their own, by `detect_sources`."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from protoface.converters.errors import ProtofaceError

from .alignment import aligned
from .face import Face
from .inputs import Sources
from .layouts import DEFAULT, Layout, find_layout
from .mtcnn.square_crops import check_sizes, grown
from .search import Picture
from .windows.window import Floats, Image

#: Of the files: small, and no value is changed.
SUFFIX = ".png"


@dataclass(frozen=True)
class FaceCrops:
    """Cuts faces out: `side` x `side` pixels, upright by their points (`layout`), or their boxes.

    A box grows by `margin` pixels of the result, is clipped and stretched to a square, as
    facenet-pytorch does. Raises ProtofaceError for a layout that holds no five points, where faces are
    to be `align`ed, and a margin as wide as the side.
    """

    layout: Layout
    side: int
    align: bool
    margin: float = 0

    def __post_init__(self) -> None:
        check_sizes(self.side, self.margin)
        if self.align and not self.layout.reaches(find_layout(DEFAULT)):
            raise ProtofaceError(f"points of layout {self.layout} are no five points to align by")

    def copies(
        self, picture: Picture, image: Image, faces: Sequence[Face], truth: Floats | None = None
    ) -> dict[Path, Image]:
        """The faces of a picture by the names of their files; H x W x 3 uint8 in its colours."""
        cut = self._aligned if self.align else self._square
        return {crop_name(picture, number): cut(image, face) for number, face in enumerate(faces)}

    def _aligned(self, image: Image, face: Face) -> Image:
        if len(face.points) != len(self.layout):
            raise ProtofaceError("the model finds no points, by which faces are aligned")
        points = self.layout.convert(face.points, find_layout(DEFAULT))
        return aligned(image, points, self.side)

    def _square(self, image: Image, face: Face) -> Image:
        rows, columns = image.shape[:2]
        box = np.concatenate((face.box[:2], face.box[:2] + face.box[2:]))
        x1, y1, x2, y2 = grown(box, (columns, rows), self.side, self.margin)
        part, size = image[y1:y2, x1:x2], (self.side, self.side)
        return cv2.resize(part, size, interpolation=cv2.INTER_AREA)  # type: ignore[return-value]


def crop_name(picture: Picture, number: int) -> Path:
    """`folder/photo_0.png` for the first face of folder/photo.jpg; numbers are those of `detect`."""
    return picture.name.with_name(f"{picture.name.stem}_{number}{SUFFIX}")


def check_crops(sources: Sources, out: Path) -> None:
    """Raise ProtofaceError if crops of two pictures, or a crop and a picture, would have one name."""
    taken: dict[str, Picture] = {}
    for picture in sources.pictures:
        base = os.path.realpath(out / picture.name.with_suffix(""))
        if base in taken:
            raise ProtofaceError(
                f"{picture.path}: its faces would have the names of those of {taken[base].path} "
                f"({base}_0{SUFFIX}); crop them into another folder (--out)"
            )
        taken[base] = picture
    for path in sources.files:
        found = re.fullmatch(rf"(.*)_\d+\{SUFFIX}", os.path.realpath(path), re.DOTALL)
        if found and found[1] in taken:
            raise ProtofaceError(
                f"{path} is read, so no face of {taken[found[1]].path} can be written there; give "
                "another --out"
            )
