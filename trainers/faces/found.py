"""What a finder finds in whole pictures while it is trained, and how well."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from protoface.cascade.windows.window import Image

from .places import FaceMap, read_maps
from .scene import Floats, Scene

#: Scores below are not looked at; boxes that overlap a better one by more are dropped; most that are
#: kept.
LEAST, OVERLAP, MOST = 0.01, 0.45, 300
#: Longer sides of the smallest faces that count, pixels, as in `protoface eval`.
SIZES = (12, 30, 60)
HIT, MISS, NEITHER = 1, 0, -1
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
    left, kept = np.arange(len(boxes)), []
    while len(left) and len(kept) < MOST:
        best, left = left[0], left[1:]
        kept.append(best)
        left = left[shares(boxes[best], boxes[left]) <= OVERLAP]
    return np.array(kept, np.int64)


def shares(box: Floats, boxes: Floats) -> Floats:
    """Intersection over union (n) of a box (4) and others (n, 4), left top right bottom."""
    sides = np.minimum(box[2:], boxes[:, 2:]) - np.maximum(box[:2], boxes[:, :2])
    common = np.clip(sides, 0, None).prod(axis=1)
    areas = (box[2:] - box[:2]).prod() + (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
    return np.asarray(common / np.maximum(areas - common, 1e-9))


def judged(boxes: Floats, scene: Scene, least: float) -> tuple[NDArray[np.int64], int]:
    """HIT, MISS or NEITHER (n) for boxes (n, 4), best first, and how many faces there are to find.

    Faces that are ignored or whose longer side is below `least` pixels count neither way. The overlap
    of a hit is 0.5 at least; a face is hit once.
    """
    truth = np.concatenate((scene.boxes[:, :2], scene.boxes[:, :2] + scene.boxes[:, 2:]), axis=1)
    counts = ~scene.ignored & (scene.boxes[:, 2:].max(axis=1, initial=0) >= least)
    free, results = np.ones(len(truth), np.bool_), []
    for box in boxes:
        overlap = shares(box, truth) if len(truth) else np.zeros(1)
        best = int(np.argmax(np.where(free & counts, overlap, -1))) if len(truth) else 0
        if len(truth) and free[best] and counts[best] and overlap[best] >= 0.5:
            free[best] = False
            results.append(HIT)
        else:
            other = len(truth) and overlap[~counts].max(initial=0) >= 0.5
            results.append(NEITHER if other else MISS)
    return np.array(results, np.int64), int(counts.sum())


def average_precision(scores: Floats, hits: NDArray[np.bool_], faces: int) -> float:
    """Area below precision over recall of what was found (n), precision the best of no lower recall."""
    order = np.argsort(-scores, kind="stable")
    found = np.cumsum(hits[order])
    precision = found / np.arange(1, len(order) + 1)
    best = np.maximum.accumulate(precision[::-1])[::-1]
    return float((np.diff(found, prepend=0) * best).sum() / max(faces, 1))
