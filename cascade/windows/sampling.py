"""What a net sees of a window: pixels sampled at the window's places, antialiased by area averages."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from .block_means import weighed_means
from .large_pictures import SIDE, gather
from .window import Image, Window

#: Pixels that are sooner copied than counted.
FEW = 1 << 20

Row = tuple[float, float, float]
Rule = tuple[Row, Row]


def resample(image: Image, window: Window, height: int, width: int, interpolation: int) -> Image:
    """The window, height x width x 3 uint8 in the picture's colours; beyond it its edge repeats.

    `interpolation` is OpenCV's. INTER_AREA shrinks the window's part of the picture by the whole factor
    that fits, by area averages, and then samples it as INTER_LINEAR: for a whole picture too, where
    OpenCV's own takes 0.9 ms from 640 x 480 pixels, this 0.2 to 0.3.
    """
    rows, columns = image.shape[:2]
    shrinks = interpolation == cv2.INTER_AREA
    same_size = window.width == columns and window.height == rows
    if same_size and not (shrinks or window.x or window.y or window.angle):
        return cv2.resize(image, (width, height), interpolation=interpolation)  # type: ignore[return-value]
    rule = _rule(window, height, width)
    if shrinks:
        image, rule = _shrunk(image, rule, window, height, width)
        interpolation = cv2.INTER_LINEAR
    if max(*image.shape[:2], window.width, window.height) > SIDE:
        return gather(image, np.array(rule), height, width, interpolation)
    flags = interpolation | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(  # type: ignore[return-value]
        image, np.array(rule), (width, height), flags=flags, borderMode=cv2.BORDER_REPLICATE
    )


def sampling_matrix(window: Window, height: int, width: int) -> NDArray[np.float64]:
    """2 x 3, from (column, row, 1) of the net's input to (x, y) in the picture.

    The same mapping as cv2.resize: the outer edges of both pixel grids coincide.
    """
    return np.array(_rule(window, height, width))


def _rule(window: Window, height: int, width: int) -> Rule:
    """`sampling_matrix` in plain numbers, which are changed faster than so small an array."""
    sx, sy = window.width / width, window.height / height
    if not window.angle:
        return (sx, 0.0, window.x + sx / 2 - 0.5), (0.0, sy, window.y + sy / 2 - 0.5)
    (x, y), (cos, sin) = window.centre, window.direction
    across, down = sx * (1 - width) / 2, sy * (1 - height) / 2
    return (
        (sx * cos, -sy * sin, x + across * cos - down * sin),
        (sx * sin, sy * cos, y + across * sin + down * cos),
    )


def _shrunk(image: Image, rule: Rule, window: Window, height: int, width: int) -> tuple[Image, Rule]:
    """The part of the picture that a window needs, shrunk by a whole factor, and the rule for it."""
    fx, fy = max(1, int(window.width / width)), max(1, int(window.height / height))
    if window.angle:
        fx = fy = min(fx, fy)
    if fx == fy == 1:
        return image, rule
    cos, sin = window.direction
    cos, sin = abs(cos), abs(sin)
    # how much further than the window the rectangle around it reaches
    dx = (window.width * cos + window.height * sin - window.width) / 2
    dy = (window.width * sin + window.height * cos - window.height) / 2
    rows, columns = image.shape[:2]
    left, right = blocks(window.x - dx, window.x + window.width + dx, fx, columns)
    top, bottom = blocks(window.y - dy, window.y + window.height + dy, fy, rows)
    (a, b, x), (c, d, y) = rule
    rule = (
        (a / fx, b / fx, (x + (0.5 - left)) / fx - 0.5),
        (c / fy, d / fy, (y + (0.5 - top)) / fy - 0.5),
    )
    return shrunk_blocks(image, (left, right), (top, bottom), fx, fy), rule


def shrunk_blocks(
    image: Image, across: tuple[int, int], down: tuple[int, int], fx: int, fy: int
) -> Image:
    """The mean of each block of fy x fx pixels between two columns and two rows (`blocks`).

    Beyond the picture its edge is repeated. Only there pixels are copied: a large picture takes long.
    """
    rows, columns = image.shape[:2]
    left, right, first, last = _inside(*across, fx, columns)
    top, bottom, upper, lower = _inside(*down, fy, rows)
    height, width = (down[1] - down[0]) // fy, (across[1] - across[0]) // fx
    if (left, top, right, bottom) == (0, 0, width, height):
        return _means(image[upper:lower, first:last], fx, fy)
    means = np.empty((height, width, 3), np.uint8)
    if left < right and top < bottom:
        means[top:bottom, left:right] = _means(image[upper:lower, first:last], fx, fy)
    else:  # no block lies inside: all of them are edge
        top = bottom = height
    above, below = (0, top, 0, width), (bottom, height, 0, width)
    for i, j, k, m in (above, below, (top, bottom, 0, left), (top, bottom, right, width)):
        if i < j and k < m:
            x, y = (across[0] + k * fx, across[0] + m * fx), (down[0] + i * fy, down[0] + j * fy)
            means[i:j, k:m] = _edge_means(image, x, y, fx, fy)
    return means


def _inside(start: int, stop: int, factor: int, length: int) -> tuple[int, int, int, int]:
    """The first block, and the one behind the last, that lie whole in 0 .. length; their pixels."""
    first = max(-(start // factor) if start < 0 else 0, 0)
    last = (min(stop, length) - start) // factor
    return first, last, start + first * factor, start + last * factor


def _repeated(image: Image, left: int, right: int, top: int, bottom: int) -> Image:
    """Pixels between two columns and two rows, the picture's edge repeated beyond it."""
    rows, columns = image.shape[:2]
    x, y = min(max(left, 0), columns - 1), min(max(top, 0), rows - 1)
    part = image[y : max(bottom, y + 1), x : max(right, x + 1)]
    height, width = part.shape[:2]
    above, below = max(y - top, 0), max(bottom - y - height, 0)
    before, behind = max(x - left, 0), max(right - x - width, 0)
    repeated = cv2.copyMakeBorder(part, above, below, before, behind, cv2.BORDER_REPLICATE)
    return repeated[: bottom - top, : right - left]  # type: ignore[return-value]


def _edge_means(
    image: Image, across: tuple[int, int], down: tuple[int, int], fx: int, fy: int
) -> Image:
    """The means of blocks that reach beyond the picture."""
    if (across[1] - across[0]) * (down[1] - down[0]) > max(image.size // 3, FEW):
        return weighed_means(image, across, down, fx, fy)
    return _means(_repeated(image, *across, *down), fx, fy)


def _means(part: Image, fx: int, fy: int) -> Image:
    """The means of its blocks of fy x fx pixels; OpenCV is 4 times as fast at 2 x 2 as at others."""
    while fx % 2 == fy % 2 == 0:
        fx, fy = fx // 2, fy // 2
        size = part.shape[1] // 2, part.shape[0] // 2
        part = cv2.resize(part, size, interpolation=cv2.INTER_AREA)  # type: ignore[assignment]
    size = part.shape[1] // fx, part.shape[0] // fy
    return cv2.resize(part, size, interpolation=cv2.INTER_AREA)  # type: ignore[return-value]


def blocks(start: float, stop: float, factor: int, length: int) -> tuple[int, int]:
    """Whole blocks of `factor` pixels that cover start .. stop of an axis of `length` pixels.

    Beyond the axis they end with one block that holds nothing of it but its repeated edge.
    """
    first = math.floor(start)
    first = min(max(first, first % factor - 2 * factor), length - 1)
    last = max(min(math.ceil(stop), length + factor), 1)
    return first, first + factor * max(1, math.ceil((last - first) / factor))
