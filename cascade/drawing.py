"""Points drawn into a picture: truth green, level 1 red, the final points blue."""

from __future__ import annotations

import cv2
import numpy as np

from .detector import Detection
from .windows import Floats, Image

GREEN, RED, BLUE = (0, 255, 0), (0, 0, 255), (255, 0, 0)


def draw(image: Image, detection: Detection, truth: Floats | None = None) -> Image:
    """A copy of `image` (H x W x 3 uint8 BGR) with a detection and its last window.

    `truth` (n, 2) in pixels is drawn below them. Discs grow with the last window, so that they show on
    large pictures and do not hide small faces.
    """
    drawn = image.copy()
    last = detection.windows[-1]
    radius = max(1, round(max(last.width, last.height) / 90))
    if len(detection.levels) > 1:
        corner = round(last.x), round(last.y)
        opposite = round(last.x + last.width - 1), round(last.y + last.height - 1)
        cv2.rectangle(drawn, corner, opposite, BLUE, max(1, radius // 2))
    if truth is not None:
        _discs(drawn, truth, GREEN, radius + 1)
    if len(detection.levels) > 1:
        _discs(drawn, detection.levels[0], RED, radius)
    _discs(drawn, detection.points, BLUE, radius)
    return drawn


def _discs(image: Image, points: Floats, colour: tuple[int, int, int], radius: int) -> None:
    points = np.asarray(points, np.float64)
    # a net can answer anything; OpenCV takes 16 bits of coordinate
    for x, y in points[np.abs(points).max(axis=1) < 2**15].round().astype(int).tolist():
        cv2.circle(image, (x, y), radius, colour, cv2.FILLED, cv2.LINE_AA)
