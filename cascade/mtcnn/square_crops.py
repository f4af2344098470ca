"""Faces cut out as facenet-pytorch does: the box with a margin, clipped, stretched to a square.

It resizes PIL pictures by PIL, arrays by OpenCV and tensors by PyTorch, each by another rule, and so do
we: recognition nets see what they saw before. Source: facenet-pytorch 2.6.0, extract_face.
"""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from protoface.converters.errors import ProtofaceError

from ..pictures import write_picture
from ..windows.window import Floats, Image
from .given_pictures import Given

#: PIL's own number for it: a version before 9.1 has no PIL.Image.Resampling.
PIL_BILINEAR = 2


def check_sizes(image_size: int, margin: float) -> None:
    """Raise ProtofaceError unless faces fit into the square with their margin."""
    if image_size != int(image_size) or not 1 <= image_size <= 4096:
        raise ProtofaceError(f"image_size is {image_size}, it must be 1 to 4096 pixels")
    if not 0 <= margin < image_size:
        raise ProtofaceError(
            f"margin is {margin:g}, it must be at least 0 and less than image_size ({image_size})"
        )


def square_crop(given: Given, box: Floats, image_size: int, margin: float) -> Image:
    """The face in a box (4) x1, y1, x2, y2: image_size x image_size x 3 uint8 RGB."""
    x1, y1, x2, y2 = grown(box, given.size, image_size, margin)
    side = (image_size, image_size)
    if given.pil is not None:
        return np.array(given.pil.crop((x1, y1, x2, y2)).resize(side, PIL_BILINEAR))
    part = given.image[y1:y2, x1:x2]
    if given.tensor:
        return _area(part, image_size)
    return cv2.resize(part, side, interpolation=cv2.INTER_AREA)  # type: ignore[return-value]


def grown(
    box: Floats, size: tuple[int, int], image_size: int, margin: float
) -> tuple[int, int, int, int]:
    """The box with its margin, clipped and truncated to whole pixels, at least one of the picture.

    `margin` is that of the result: the box grows by margin / (image_size - margin) of its sides. Raises
    ProtofaceError for a box that is not finite.
    """
    if not all(map(math.isfinite, box)):
        raise ProtofaceError(f"box {list(map(float, box))} is not finite")
    corners = []
    for axis, side in enumerate(size):
        first, last = np.float32(box[axis]), np.float32(box[axis + 2])  # as it was found
        more = margin * (last - first) / (image_size - margin) / 2
        start = min(max(int(first - more), 0), side - 1)
        corners.append((start, max(min(int(last + more), side), start + 1)))
    (x1, x2), (y1, y2) = corners
    return x1, y1, x2, y2


def _area(part: Image, side: int) -> Image:
    import torch
    from torch.nn.functional import interpolate

    planes = torch.from_numpy(part.copy()).permute(2, 0, 1)[None].float()
    cut: Image = interpolate(planes, (side, side), mode="area").byte()[0].permute(1, 2, 0).numpy()
    return cut


def save_crop(path: str | os.PathLike[str], number: int, crop: Image) -> None:
    """Write a face; the second one of a picture gets the name with _2 and so on.

    Missing folders are made. Raises ProtofaceError for a format that OpenCV does not write.
    """
    target = numbered(Path(path), number)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ProtofaceError(f"{target.parent}: {error.strerror or error}") from error
    write_picture(target, cv2.cvtColor(crop, cv2.COLOR_RGB2BGR))  # type: ignore[arg-type]


def numbered(path: Path, number: int) -> Path:
    """`name.png` for face 0, `name_2.png` for face 1."""
    return path if number == 0 else path.with_name(f"{path.stem}_{number + 1}{path.suffix}")


def standardized(crop: Image, post_process: bool) -> Any:
    """A crop as a tensor (3, side, side) float32: 0 to 255, or (x - 127.5) / 128."""
    import torch

    planes = torch.from_numpy(crop.copy()).permute(2, 0, 1).float().contiguous()
    return (planes - 127.5) / 128.0 if post_process else planes
