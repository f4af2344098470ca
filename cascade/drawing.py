"""Points drawn into a picture: truth green, those of the first stage red, the final ones blue."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np

from .face import Face
from .windows.window import Floats, Image, Window, to_picture

GREEN, RED, BLUE = (0, 255, 0), (0, 0, 255), (255, 0, 0)
#: Radius of a disc in pixels.
LARGEST = 1000
CORNERS = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)], np.float32)


def draw_faces(image: Image, faces: Sequence[Face], truth: Floats | None = None) -> Image:
    """A copy of `image` (H x W x 3 uint8 BGR) with every face: its points, and its last stage's window.

    `truth` (n, 2) are the true points of a face, in pixels.
    """
    drawn = image.copy()
    for face in faces:
        window = face.windows[-1] if len(face.windows) > 1 else None
        draw(drawn, face.stages, window, truth)
    return drawn


def draw(
    image: Image, levels: Sequence[Floats], window: Window | None = None, truth: Floats | None = None
) -> Image:
    """Draw the points of each level, in pixels, into `image` (H x W x 3 uint8 BGR), and return it.

    The first level is red, the last one blue, or only blue if there is one level. `window`, that of the
    last level, is outlined in blue with its patches; `truth` (n, 2) lies below in green. Discs grow
    with the face, and are smaller the more points there are: they show on large pictures and do not
    hide small faces.
    """
    spread = np.ptp(levels[-1], axis=0).max()
    size = min(float(np.nan_to_num(spread)), max(image.shape))
    radius = round(size / 40 * min(1.0, math.sqrt(5 / len(levels[-1]))))
    radius = min(max(1, radius), LARGEST)
    if window is not None and not window.empty:
        for part in (window, *window.patches):
            corners = to_picture(CORNERS, replace(part, patches=())).round().astype(np.int32)
            cv2.polylines(image, [corners], True, BLUE, max(1, radius // 2))
    if truth is not None:
        _discs(image, truth, GREEN, radius + 1)
    if len(levels) > 1:
        _discs(image, levels[0], RED, radius)
    _discs(image, levels[-1], BLUE, radius)
    return image


def _discs(image: Image, points: Floats, colour: tuple[int, int, int], radius: int) -> None:
    rows, columns = image.shape[:2]
    points, reach = np.asarray(points, np.float64), radius + 2
    # a net can answer anything; a comparison with NaN is false
    near = (points > -reach).all(axis=1) & (points < (columns + reach, rows + reach)).all(axis=1)
    for x, y in points[near].round().astype(int).tolist():
        left, top = max(x - reach, 0), max(y - reach, 0)
        # a part of the picture: OpenCV has 16 bits for a place
        part = image[top : max(y + reach, 0), left : max(x + reach, 0)]
        if part.size:
            cv2.circle(part, (x - left, y - top), radius, colour, cv2.FILLED, cv2.LINE_AA)
