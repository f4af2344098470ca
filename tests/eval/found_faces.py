"""Faces as a finder would answer, for tests."""

from collections.abc import Sequence

import numpy as np

from protoface.cascade.face import Face, bounds
from protoface.cascade.windows.window import Window


def a_face(*levels: np.ndarray, score: float = np.nan, diagonals: Sequence[float] = ()) -> Face:
    """A face whose stages found `levels`; windows of these diagonals, without any none."""
    windows = tuple(Window(0, 0, diagonal, 0) for diagonal in diagonals)
    return Face(bounds(levels[-1]), score, levels[-1], levels, windows)


def a_box(x: float, y: float, width: float, height: float, score: float = np.nan) -> Face:
    """A face of which only the box is known."""
    return Face(np.array([x, y, width, height], float), score, np.zeros((0, 2), np.float32))
