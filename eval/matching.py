"""Which found boxes are faces: boxes that were found against those of an annotated picture."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[Any]
#: What becomes of a found box: it counts as a face, as a false alarm, or neither way.
HIT, FALSE_ALARM, NEITHER = 1, 0, -1
#: A box is at its face if they share this part of their union.
IOU = 0.5


class Match(NamedTuple):
    """`outcomes` (found): HIT, FALSE_ALARM or NEITHER; `missed` (faces): counted, but not found."""

    outcomes: NDArray[np.int8]
    missed: NDArray[np.bool_]


def overlaps(boxes: Floats, others: Floats) -> Floats:
    """Intersection over union (n, m) of boxes (n, 4) and (m, 4) of x, y, width, height."""
    first, second = boxes[:, None], others[None]
    ends = np.minimum(first[..., :2] + first[..., 2:], second[..., :2] + second[..., 2:])
    shared = np.maximum(ends - np.maximum(first[..., :2], second[..., :2]), 0).prod(axis=-1)
    union = first[..., 2:].prod(axis=-1) + second[..., 2:].prod(axis=-1) - shared
    return np.asarray(np.divide(shared, union, out=np.zeros_like(shared), where=union > 0))


def match(overlap: Floats, counted: NDArray[np.bool_]) -> Match:
    """What becomes of each found box, given its overlap (found, faces) with each face.

    The found boxes come best score first, and each takes the free counted face that it overlaps most,
    if that is by IOU. One that takes none is no false alarm if it overlaps a face that is not `counted`
    (faces) by IOU. So a second box at a face is a false alarm.
    """
    near = overlap >= IOU
    outcomes = np.where(near[:, ~counted].any(axis=1), NEITHER, FALSE_ALARM).astype(np.int8)
    free = counted.copy()
    for row in np.flatnonzero(near[:, counted].any(axis=1)).tolist():
        left = np.where(free, overlap[row], 0)
        best = left.argmax()
        if left[best] >= IOU:
            outcomes[row], free[best] = HIT, False
    return Match(outcomes, free)
