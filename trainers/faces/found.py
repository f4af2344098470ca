"""What a finder finds in whole pictures while it is trained, and how well."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from protoface.cascade.windows.window import Image

from .face_scene import Floats
from .places import FaceMap, read_maps

#: Scores below are not looked at; boxes that overlap a better one by more are dropped; most that are
#: kept.
LEAST, OVERLAP, MOST = 0.01, 0.45, 300
#: From a picture's pixels (h, w, 3) to a net's input (1, 3, h, w).
Prepare = Callable[[Image], Tensor]


def find(
    answer: Callable[[NDArray[Any]], Mapping[str, Tensor]],
    prepare: Prepare,
    maps: Sequence[FaceMap],
    picture: Image,
) -> tuple[Floats, Floats]:
    """Boxes (n, 4), left top right bottom, and scores (n) in a picture, best first."""
    multiple = max(each.stride for each in maps)
    rows, columns = (-(-length // multiple) * multiple for length in picture.shape[:2])
    filled = np.zeros((rows, columns, 3), np.uint8)
    filled[: picture.shape[0], : picture.shape[1]] = picture
    answers = read_maps(answer(prepare(filled).numpy()), maps)
    scores = answers.scores[0].cpu().numpy().astype(np.float64)
    boxes = answers.boxes[0].cpu().numpy().astype(np.float64)
    order = np.flatnonzero(scores >= LEAST)
    order = order[np.argsort(-scores[order], kind="stable")]
    kept = suppressed(boxes[order])[:MOST]
    return boxes[order][kept], scores[order][kept]


def suppressed(boxes: Floats) -> NDArray[np.int64]:
    """Indices of the boxes (n, 4), best first, that no better one overlaps."""
    left = np.arange(len(boxes))
    kept: list[int] = []
    while len(left) and len(kept) < MOST:
        best, left = int(left[0]), left[1:]
        kept.append(best)
        left = left[shares(boxes[best], boxes[left]) <= OVERLAP]
    return np.array(kept, np.int64)


def shares(box: Floats, boxes: Floats) -> Floats:
    """Intersection over union (n) of a box (4) and others (n, 4), left top right bottom."""
    sides = np.minimum(box[2:], boxes[:, 2:]) - np.maximum(box[:2], boxes[:, :2])
    common = np.clip(sides, 0, None).prod(axis=1)
    areas = (box[2:] - box[:2]).prod() + (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
    return np.asarray(common / np.maximum(areas - common, 1e-9))
