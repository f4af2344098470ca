"""What a net sees of a window: pixels sampled at the window's places, antialiased by halving first."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from .halves import Halves, Picture, halves, halvings
from .large_pictures import SIDE, gather
from .window import Floats, Image, Window, picture_window

#: What is seen beyond the picture, by `Window.black`.
_BORDER = (cv2.BORDER_REPLICATE, cv2.BORDER_CONSTANT)
Row = tuple[float, float, float]
Rule = tuple[Row, Row]


def resample(picture: Picture, window: Window, height: int, width: int, interpolation: int) -> Image:
    """The window, height x width x 3 uint8 in the picture's colours; beyond it its edge repeats.

    Beyond it a `black` window is black. `interpolation` is OpenCV's. INTER_AREA halves the picture
    until its pixels are about as large as the net's (`halvings`), and then samples it as INTER_LINEAR,
    for a whole picture too. `picture` may be given with its halves: those of one window serve others.
    """
    picture = halves(picture)
    rule = _rule(window, height, width)
    if interpolation == cv2.INTER_AREA:
        image, rule = _half(picture, rule, window, height, width)
        interpolation = cv2.INTER_LINEAR
    else:
        image = picture.image
        if window == Window(0, 0, image.shape[1], image.shape[0]):
            return cv2.resize(image, (width, height), interpolation=interpolation)  # type: ignore[return-value]
    if max(*image.shape[:2], window.width, window.height) > SIDE:
        return gather(image, np.array(rule), height, width, interpolation, window.black)
    flags = interpolation | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(  # type: ignore[return-value]
        image, np.array(rule), (width, height), flags=flags, borderMode=_BORDER[window.black]
    )


def resample_all(
    pictures: Sequence[Picture],
    windows: Sequence[Window],
    height: int,
    width: int,
    interpolation: int,
) -> list[Floats]:
    """`resample` of windows (n) of pictures (n)."""
    pairs = zip(pictures, windows, strict=True)
    return [resample(picture, window, height, width, interpolation) for picture, window in pairs]


def shrink(picture: Picture, height: int, width: int, interpolation: int) -> Image:
    """All of a picture in another size: what `resample` makes of it but for rounding, and quicker.

    Its places are rounded to 1 / 2048 of a pixel, those of `resample` to 1 / 32. May be the picture.
    """
    picture = halves(picture)
    rows, columns = picture.image.shape[:2]
    across = down = 0
    if interpolation == cv2.INTER_AREA:
        across, down = halvings(columns / width), halvings(rows / height)
    image = picture.half(across, down)
    if image.shape[:2] == (height, width):
        return image
    if image.shape[0] << down != rows or image.shape[1] << across != columns:
        # a half of an odd number of pixels reaches beyond the picture
        return resample(picture, picture_window((rows, columns)), height, width, interpolation)
    interpolation = cv2.INTER_LINEAR if interpolation == cv2.INTER_AREA else interpolation
    return cv2.resize(image, (width, height), interpolation=interpolation)  # type: ignore[return-value]


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


def _half(picture: Halves, rule: Rule, window: Window, height: int, width: int) -> tuple[Image, Rule]:
    """The half of the picture that suits a window, and the rule for it."""
    nx, ny = halvings(window.width / width), halvings(window.height / height)
    if window.angle:
        nx = ny = min(nx, ny)
    if nx == ny == 0:
        return picture.image, rule
    (a, b, x), (c, d, y) = rule
    fx, fy = 1 << nx, 1 << ny
    rule = (a / fx, b / fx, (x + 0.5) / fx - 0.5), (c / fy, d / fy, (y + 0.5) / fy - 0.5)
    return picture.half(nx, ny), rule
