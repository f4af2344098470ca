"""Boxes in faithful mode: what facenet-pytorch's MTCNN computes, with its roundings.

Its boxes have corners x1, y1, x2, y2 that count pixels from 1, the last one included; a box x, y,
width, height is x1, y1, x2 - x1, y2 - y1 here, so it shows the pixels x1 - 1 to x2 - 1 of the picture.
Arithmetic is float32, in the same order. Source: facenet-pytorch 2.6.0, models/utils/detect_face.py;
the original in Matlab: kpzhang93/MTCNN_face_detection_alignment.
"""

from __future__ import annotations

import numpy as np

from .levels import Level
from .window import Floats, Size, Window

#: Whether a window may reach beyond the picture: it is clipped.
PADS = False
#: What is added to the sides of boxes where overlaps are measured: nothing by union (batched_nms of
#: torchvision), a pixel by minimum (nms_numpy).
EXTRA = (0.0, 1.0)


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


def window_box(window: Window) -> Floats:
    """The box (4) that a window shows."""
    seen = window.frame or window
    return np.array((seen.x + 1, seen.y + 1, seen.width - 1, seen.height - 1), np.float64)


def moved_window(window: Window, offsets: Floats) -> Floats:
    """The box (4) that offsets (4) make of a window, whose sides are one more: bbreg."""
    start, stop = _corners(window_box(window)[None])
    (found,) = _moved(start, stop, stop - start + 1, offsets[None])
    return found  # type: ignore[no-any-return]


def _moved(start: Floats, stop: Floats, sides: Floats, offsets: Floats) -> Floats:
    found = offsets.astype(np.float32)
    return _boxes(start + found[:, :2] * sides, stop + found[:, 2:] * sides)


def square_box(size: Size, x: float, y: float, width: float, height: float) -> Window:
    """What is seen of the square of a box's longer side: rerec, then pad, which clips it.

    Its `frame` is the square itself, which the answers are relative to.
    """
    (start,), (stop,) = _corners(np.array([(x, y, width, height)]))
    sides = stop - start
    side = sides.max()
    start = start + sides * np.float32(0.5) - side * np.float32(0.5)
    stop = start + side
    rows, columns = size
    if not np.isfinite(stop + start).all():
        return Window(0, 0, 0, 0)
    left, top = (max(int(value), 1) for value in start)
    right, bottom = (min(int(value), limit) for value, limit in zip(stop, (columns, rows), strict=True))
    (x1, y1), (x2, y2) = start.tolist(), stop.tolist()
    frame = Window(x1 - 1, y1 - 1, x2 - x1 + 1, y2 - y1 + 1)
    seen = max(right - left + 1, 0), max(bottom - top + 1, 0)
    return Window(left - 1, top - 1, *seen, frame=frame)


def _corners(boxes: Floats) -> tuple[Floats, Floats]:
    """Of boxes (n, 4) the corners (n, 2): x1, y1 and x2, y2, which are float32 by their nature."""
    return boxes[:, :2].astype(np.float32), (boxes[:, :2] + boxes[:, 2:]).astype(np.float32)


def _boxes(start: Floats, stop: Floats) -> Floats:
    """Boxes (n, 4) float64 of corners, from which `_corners` makes the same again."""
    first, last = start.astype(np.float64), stop.astype(np.float64)
    return np.concatenate((first, last - first), 1)
