"""What a net should answer for a window: the inverse of the answers of boxes and of points."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from protoface.cascade.answers.points import PointsAnswer
from protoface.cascade.windows.window import Window, to_window

from .face_scene import Floats


def box_targets(windows: Floats, boxes: Floats, mirrored: NDArray[np.bool_]) -> Floats:
    """The four numbers (n, 4) of an answer CORNERS: boxes (n, 4) in windows (n, 4), x y width height.

    How far the box's corners are from the window's, in its sides; of a `mirrored` window as it is seen.
    """
    start = (boxes[:, :2] - windows[:, :2]) / windows[:, 2:]
    stop = (boxes[:, :2] + boxes[:, 2:] - windows[:, :2] - windows[:, 2:]) / windows[:, 2:]
    targets = np.concatenate((start, stop), axis=1)
    targets[mirrored] = targets[mirrored][:, [2, 1, 0, 3]] * (-1, 1, -1, 1)
    return targets


def point_targets(
    answer: PointsAnswer, windows: Sequence[Window], points: Floats, mirrored: NDArray[np.bool_]
) -> Floats:
    """The numbers (n, 2 points) of an answer: points (n, points, 2), pixels of the picture, in windows.

    Of a `mirrored` window as it is seen, left and right points exchanged.
    """
    rows = []
    for window, five, turned in zip(windows, points, mirrored.tolist(), strict=True):
        if turned:
            # of the first and the last pixel each is where the other was
            last = 2 * window.x + window.width - 1
            five = np.array((last, 0)) + five[list(answer.layout.flip)] * (-1, 1)
        if answer.corner:
            spots = (five - (window.x, window.y)) / (window.width, window.height)
        else:
            spots = to_window(five, window)
        rows.append((spots.T if answer.axes else spots).ravel())
    return np.array(rows).reshape(len(rows), 2 * len(answer.layout))
