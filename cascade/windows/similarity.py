"""The similarity window: it lies over the points as its shape says, turned with the face."""

from __future__ import annotations

import numpy as np

from protoface.converters.errors import ProtofaceError

from .. import cascade_pb2
from ..layouts import Layout
from .mode import Mode
from .similarity_fit import fit_template, make_template
from .window import NOTHING, Box, Floats, Size, Window, centred
from .window_kind import WINDOWS, WindowKind

#: A window this many times as large as the picture's longer side shows nothing, and would take memory.
LARGEST = 4


@WINDOWS.register("similarity")
class SimilarityWindow(WindowKind):
    """The window in which the points lie like `shape` (`similarity_fit.fit`), not clipped."""

    needs_points = True

    def __init__(self, parameter: cascade_pb2.SimilarityWindow, layout: Layout, mode: Mode) -> None:
        super().__init__(parameter, layout, mode)
        shape = [(point.x, point.y) for point in parameter.shape]
        if len(shape) != len(layout) or len(set(shape)) < 2 or not np.isfinite(shape).all():
            raise ProtofaceError(f"needs a shape of {len(layout)} points, not all of them in one place")
        if parameter.HasField("patch") and not 0 < parameter.patch <= 1:
            raise ProtofaceError(f"patch is {parameter.patch:g}, it must be above 0 and at most 1")
        self.shape, self.template = shape, make_template(shape)
        self.upright, self.patch = parameter.upright, parameter.patch

    def over(self, size: Size, box: Box | None, points: Floats | None) -> Window:
        """See WindowKind; empty if it (or a patch) is smaller than two pixels, too large, or beside."""
        assert points is not None
        numbers = points.tolist()
        window = centred(*fit_template(self.template, numbers, self.upright))
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
