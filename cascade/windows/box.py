"""The box window: a box that the caller gives or a stage has found, enlarged around its centre."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from protoface.converters.errors import ProtofaceError

from .. import cascade_pb2
from ..layouts import Layout
from .mode import Mode
from .window import NOTHING, Box, Floats, Size, Window
from .window_kind import WINDOWS, WindowKind

#: A box this many times as large as the picture's longer side shows nothing, and would take memory.
LARGEST = 16


@WINDOWS.register("box")
class BoxWindow(WindowKind):
    """`scale` times the box of the face, or the square of its longer side; see cascade.proto."""

    needs_box = True

    def __init__(self, parameter: cascade_pb2.BoxWindow, layout: Layout, mode: Mode) -> None:
        super().__init__(parameter, layout, mode)
        if not 0 < parameter.scale <= LARGEST:
            raise ProtofaceError(
                f"scale is {parameter.scale:g}, it must be above 0 and at most {LARGEST}"
            )
        self.scale, self.square = parameter.scale, parameter.square
        self.clip = parameter.border == cascade_pb2.BoxWindow.CLIP or not mode.PADS
        self.black = parameter.border == cascade_pb2.BoxWindow.BLACK

    def over(self, size: Size, box: Box | None, points: Floats | None) -> Window:
        """See WindowKind; empty if the box covers no pixel of the picture, or is far too large."""
        (window,) = self.over_all([size], [box], [points])
        return window

    def over_all(
        self, sizes: Sequence[Size], boxes: Sequence[Box | None], points: Sequence[Floats | None]
    ) -> list[Window]:
        """See WindowKind: the squares of all boxes are computed at once."""
        sides = [enlarged(box, self.scale) for box in boxes if box is not None]
        if len(sides) < len(boxes):
            raise ProtofaceError("it looks through a box: give boxes")
        if self.square:
            windows = self.mode.square_boxes(sizes, np.array(sides, np.float64).reshape(-1, 4))
        else:
            windows = [Window(*one) for one in sides]
        return [
            window if window.frame else self._bordered(window, size)
            for window, size in zip(windows, sizes, strict=True)
        ]

    def _bordered(self, window: Window, size: Size) -> Window:
        """What is seen of a window that the mode has not clipped."""
        seen = self.mode.box(size, window.x, window.y, window.width, window.height)
        if self.clip or seen.empty:
            return seen
        reach = max(window.width, window.height)
        if reach > LARGEST * max(size):
            return NOTHING
        return Window(window.x, window.y, window.width, window.height, black=self.black)


def enlarged(box: Box, scale: float) -> tuple[float, float, float, float]:
    """A box (4) x, y, width, height, enlarged around its centre."""
    x, y, width, height = box.tolist()
    grow = scale - 1
    return x - width * grow / 2, y - height * grow / 2, width * (1 + grow), height * (1 + grow)
