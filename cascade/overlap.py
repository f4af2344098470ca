"""Non-maximum suppression: of boxes that overlap, the one of the highest score stays."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from .windows.window import Floats

Indices = NDArray[np.intp]
#: Boxes that are compared with each other, and then with those around them that are left, at a time.
BLOCK = 128
#: Pairs of boxes that are compared at once, so that memory is bounded.
PAIRS = 1 << 20


def suppress(
    boxes: Floats, scores: Floats, most: float, minimum: bool = False, extra: float = 0
) -> Indices:
    """Indices of the boxes that stay, by falling score; of equal scores the first one comes first.

    `boxes` (n, 4) are x, y, width, height. The best one stays, those that overlap it by more than
    `most` go, and so on with what is left. The overlap is the intersection over the union, or over the
    smaller box (`minimum`), with `extra` pixels added to every side.
    """
    order: Indices = np.argsort(-scores, kind="stable")
    edges = _edges(boxes[order], extra)
    kept, left_over = [], np.arange(len(order))
    while len(left_over):
        block, left_over = left_over[:BLOCK], left_over[BLOCK:]
        members = edges.take(block, 1)
        over = _overlaps(members[:, :, None], members[:, None], minimum) > most
        kept.append(block[_greedy(over)])
        if len(left_over):
            left_over = _left(edges, kept[-1], left_over, most, minimum)
    return order[np.concatenate(kept)] if kept else order


def overlaps(one: Floats, other: Floats, minimum: bool = False) -> Floats:
    """Intersection over union (n, m) of boxes (n, 4) and (m, 4), or over the smaller one (`minimum`).

    NaN where neither has an area.
    """
    return _overlaps(_edges(one)[:, :, None], _edges(other)[:, None], minimum)


def _edges(boxes: Floats, extra: float = 0) -> Floats:
    """Left, top, right, bottom and area (5, n) of boxes, with so many pixels added to every side."""
    left, top, width, height = boxes.T.astype(np.float64)
    width, height = width + extra, height + extra
    return np.stack((left, top, left + width, top + height, width * height))


def _greedy(over: NDArray[np.bool_]) -> Indices:
    """Which boxes of a block stay, best first; `over` (n, n) says which overlap."""
    gone = np.zeros(len(over), bool)
    stay = []
    for index, others in enumerate(over):
        if not gone[index]:
            stay.append(index)
            gone |= others
    return np.array(stay, np.intp)


def _left(edges: Floats, chosen: Indices, others: Indices, most: float, minimum: bool) -> Indices:
    """Those of the others that no chosen box suppresses, in their order."""
    gone = np.zeros(edges.shape[1], bool)
    for first, second in _neighbours(edges, chosen, others):
        over = _overlaps(edges[:, first], edges[:, second], minimum) > most
        gone[second[over]] = True
    return others[~gone[others]]


def _neighbours(edges: Floats, chosen: Indices, others: Indices) -> Iterator[tuple[Indices, Indices]]:
    """Pairs (m) and (m) of chosen boxes with others that may share columns with them.

    Others of about the same width, sorted by their left edges: those that reach into a box are
    neighbours there.
    """
    left, _, right, _, _ = edges
    widths = right[others] - left[others]
    powers = np.frexp(widths)[1]
    for power in np.unique(powers):
        members = others[powers == power]
        members = members[np.argsort(left[members], kind="stable")]
        starts = left[members]
        begin = np.searchsorted(starts, left[chosen] - 2.0**power)
        counts = np.searchsorted(starts, right[chosen]) - begin
        for part in np.array_split(np.arange(len(chosen)), 1 + counts.sum() // PAIRS):
            ends = counts[part].cumsum()
            places = np.arange(ends[-1]) + np.repeat(begin[part] - ends + counts[part], counts[part])
            yield np.repeat(chosen[part], counts[part]), members[places]


def _overlaps(one: Floats, other: Floats, minimum: bool) -> Floats:
    """The overlaps of boxes (5, ...): edges and area; NaN where neither has an area."""
    across = np.minimum(one[2], other[2]) - np.maximum(one[0], other[0])
    down = np.minimum(one[3], other[3]) - np.maximum(one[1], other[1])
    shared = np.maximum(across, 0, out=across) * np.maximum(down, 0, out=down)
    whole = np.minimum(one[4], other[4]) if minimum else one[4] + other[4] - shared
    with np.errstate(divide="ignore", invalid="ignore"):
        found: Floats = shared / whole
    return found
