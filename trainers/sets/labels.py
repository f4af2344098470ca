"""The original's labels, with Python 2's arithmetic: points between -1 and 1, four decimals."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from protoface.converters import ProtofaceError

Floats = NDArray[np.float64]


def round_half_away(value: float, digits: int = 4) -> float:
    """Python 2's `round`: halves go away from zero; Python 3 sends them to the even neighbour.

    Only exact halves differ, such as 1/32 to four decimals: 0.0313 here, 0.0312 in Python 3.
    """
    if (value * 2 * 10**digits) % 2 != 1:  # surely no half; ten times as fast
        return round(value, digits)
    return float(Decimal(value).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP))


def centre(size: int) -> int:
    """`(size - 1) / 2` as Python 2 divides integers. Raises ProtofaceError for less than 3 pixels."""
    if size < 3:
        raise ProtofaceError(f"{size} pixels are too few to label")
    return (size - 1) // 2


def to_label(points: ArrayLike, width: int, height: int) -> Floats:
    """Pixels (n, 2) as (p - c) / c to four decimals, c the centre of a picture of width x height.

    Source: the original experiment's first step, gen_l1_data.py.
    """
    return to_labels(points, (centre(width), centre(height)))


def to_labels(points: ArrayLike, centres: ArrayLike) -> Floats:
    """The same for many pictures at once: `points` (..., n, 2), `centres` (..., 2) x and y."""
    middle = np.asarray(centres, np.float64)[..., None, :]
    values = (np.asarray(points, np.float64) - middle) / middle
    scaled = values * 1e4
    labels: Floats = np.rint(scaled) / 1e4
    # a product that is, but for its own rounding, a half: the exact value decides
    for index in np.flatnonzero(np.abs(scaled - np.floor(scaled) - 0.5) < 1e-6).tolist():
        labels.flat[index] = round_half_away(values.flat[index])
    return labels


def to_pixels(label: ArrayLike, width: int, height: int) -> Floats:
    """Labels (n, 2) back to whole pixels, halves to even. Source: tools.py, label2points."""
    middle = np.array((centre(width), centre(height)), np.float64)
    pixels: Floats = np.round(np.asarray(label, np.float64) * middle + middle)
    return pixels


def label_line(name: str, label: Floats) -> str:
    """One line of a list for ImageData: `name x1 y1 x2 y2 ...`."""
    return f"{name} {str(label.ravel().tolist())[1:-1].replace(',', '')}"
