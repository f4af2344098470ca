"""Boxes in faithful mode: what facenet-pytorch's MTCNN computes, with its roundings.

Its boxes have corners x1, y1, x2, y2 that count pixels from 1, the last one included; a box x, y,
width, height is x1, y1, x2 - x1, y2 - y1 here, so it shows the pixels x1 - 1 to x2 - 1 of the picture.
Arithmetic is float32, in the same order. Source: facenet-pytorch 2.6.0, models/utils/detect_face.py;
the original in Matlab: kpzhang93/MTCNN_face_detection_alignment.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .levels import Level
from .window import NOTHING, Floats, Size, Window, shown_boxes

#: Whether a window may reach beyond the picture: it is clipped.
PADS = False
#: What is added to the sides of boxes where overlaps are measured: nothing by union (batched_nms of
#: torchvision), a pixel by minimum (nms_numpy).
EXTRA = (0.0, 1.0)
#: Beyond every picture.
FAR = 1 << 40


def level(size: Size, scale: float) -> Level:
    """One pixel more than fits; the scale stays what was asked for."""
    rows, columns = (int(side * scale + 1) for side in size)
    return Level(rows, columns, scale, scale)


def enough(scores: Floats, least: float, mapped: bool) -> Floats:
    """Whether scores (n) are high enough: the least one is so in a map, and no longer in crops."""
    found: Floats = scores >= np.float32(least) if mapped else scores > np.float32(least)
    return found


def cells(level: Level, corners: Floats, side: int) -> Floats:
    """Boxes (n, 4) of cells whose first pixels (n, 2) are (x, y) in a level: generateBoundingBox."""
    first, scale = corners.astype(np.float32), np.float32(level.scale_x)
    start, stop = np.floor((first + 1) / scale), np.floor((first + side) / scale)
    return _boxes(start, stop)


def moved(boxes: Floats, offsets: Floats) -> Floats:
    """Boxes (n, 4) of cells whose corners are moved by offsets (n, 4) of their sides, without + 1."""
    start, stop = _corners(boxes)
    return _moved(start, stop, stop - start, offsets)


def window_boxes(windows: Sequence[Window]) -> Floats:
    """The boxes (n, 4) that windows (n) show."""
    return shown_boxes(windows) + (1, 1, -1, -1)


def moved_windows(windows: Sequence[Window], offsets: Floats) -> Floats:
    """The boxes (n, 4) that offsets (n, 4) make of windows (n), whose sides are one more: bbreg."""
    start, stop = _corners(window_boxes(windows))
    return _moved(start, stop, stop - start + 1, offsets)


def _moved(start: Floats, stop: Floats, sides: Floats, offsets: Floats) -> Floats:
    found = offsets.astype(np.float32)
    return _boxes(start + found[:, :2] * sides, stop + found[:, 2:] * sides)


def square_boxes(sizes: Sequence[Size], boxes: Floats) -> list[Window]:
    """What is seen of the squares of the longer sides of boxes (n, 4): rerec, then pad, which clips.

    The `frame` is the square itself, which the answers are relative to.
    """
    start, stop = _corners(boxes)
    with np.errstate(invalid="ignore"):  # what is no number is left out below
        sides = stop - start
        side = sides.max(1, keepdims=True)
        start = start + sides * np.float32(0.5) - side * np.float32(0.5)
        stop = start + side
    first = np.maximum(_whole(start), 1)
    seen = np.maximum(np.minimum(_whole(stop), np.array(sizes).reshape(-1, 2)[:, ::-1]) - first + 1, 0)
    corners, ends = start.astype(np.float64), stop.astype(np.float64)
    shown_at, shown = (first - 1).tolist(), seen.tolist()
    squares = np.concatenate((corners - 1, ends - corners + 1), 1).tolist()
    finite = np.isfinite(stop + start).all(1).tolist()
    return [
        Window(x, y, width, height, frame=Window(*square)) if whole else NOTHING
        for (x, y), (width, height), square, whole in zip(shown_at, shown, squares, finite, strict=True)
    ]


def _whole(values: Floats) -> Floats:
    """Numbers without their fractions; what is none is 0, what no picture has is cut off."""
    found: Floats = np.nan_to_num(np.clip(values, -FAR, FAR)).astype(np.int64)
    return found


def _corners(boxes: Floats) -> tuple[Floats, Floats]:
    """Of boxes (n, 4) the corners (n, 2): x1, y1 and x2, y2, which are float32 by their nature."""
    return boxes[:, :2].astype(np.float32), (boxes[:, :2] + boxes[:, 2:]).astype(np.float32)


def _boxes(start: Floats, stop: Floats) -> Floats:
    """Boxes (n, 4) float64 of corners, from which `_corners` makes the same again."""
    first, last = start.astype(np.float64), stop.astype(np.float64)
    return np.concatenate((first, last - first), 1)
