"""The similarity window: it lies over the points as its shape says, turned with the face."""

from __future__ import annotations

import numpy as np

from protoface.converters.errors import ProtofaceError

from .. import cascade_pb2
from ..layouts import Layout
from .mode import Mode
from .similarity_fit import fit_back, fit_template, make_template
from .window import NOTHING, Box, Floats, Points, Size, Window, centred
from .window_kind import WINDOWS, WindowKind

#: A window this many times as large as the picture's longer side shows nothing, and would take memory.
LARGEST = 4


@WINDOWS.register("similarity")
class SimilarityWindow(WindowKind):
    """The window in which the points lie like `shape` (`similarity_fit.fit`), not clipped.

    `shape` is in [-1, 1] of the window's first to last pixel; with a `frame` from its edge to edge.
    """

    def __init__(self, parameter: cascade_pb2.SimilarityWindow, layout: Layout, mode: Mode) -> None:
        super().__init__(parameter, layout, mode)
        shape = [(point.x, point.y) for point in parameter.shape]
        if len(shape) != len(layout) or len(set(shape)) < 2 or not np.isfinite(shape).all():
            raise ProtofaceError(f"needs a shape of {len(layout)} points, not all of them in one place")
        if parameter.HasField("patch") and not 0 < parameter.patch <= 1:
            raise ProtofaceError(f"patch is {parameter.patch:g}, it must be above 0 and at most 1")
        self.frame, self.begins = parameter.frame, parameter.start
        self.needs_points, self.whole = not self.begins, self.begins
        if self.frame:
            shape = [((2 * x + 1) / self.frame - 1, (2 * y + 1) / self.frame - 1) for x, y in shape]
        self.robust = parameter.robust
        self.shape, self.template = shape, make_template(shape)
        self.upright, self.patch = parameter.upright, parameter.patch

    def first_points(self, size: Size, box: Box | None) -> Points:
        """See WindowKind: the shape over the box, the same centre and the mean of the sides' ratios."""
        x, y, width, height = (0, 0, *size[::-1]) if box is None else box.tolist()
        shape = np.array(self.shape)
        least, most = shape.min(axis=0), shape.max(axis=0)
        sides = np.array((width - 1, height - 1))  # from pixel to pixel, as points are
        known = most > least
        scale = (sides[known] / (most - least)[known]).mean()
        middle = np.array((x, y)) + sides / 2
        points: Points = ((shape - (least + most) / 2) * scale + middle).astype(np.float32)
        return points

    def over(self, size: Size, box: Box | None, points: Floats | None) -> Window:
        """See WindowKind; empty if it (or a patch) is smaller than two pixels, too large, or beside."""
        assert points is not None
        numbers = points.tolist()
        fit = fit_template if self.robust else fit_back
        cx, cy, side, angle = fit(self.template, numbers, self.upright)
        window = centred(cx, cy, side - 1 if self.frame else side, angle)
        rows, columns = size
        x, y = window.centre
        reach = window.width * (self.patch or 1)
        # a comparison with NaN is false
        if not (reach >= 2 and window.width <= LARGEST * max(rows, columns)):
            return NOTHING
        if not (-window.width < x < columns + window.width and -window.width < y < rows + window.width):
            return NOTHING
        if not self.patch:
            return window
        patches = tuple([centred(x, y, reach, window.angle) for x, y in numbers])
        return Window(window.x, window.y, window.width, window.height, window.angle, patches)
