"""The box window: a box that the caller gives, enlarged around its centre, clipped to the picture."""

from __future__ import annotations

from protoface.converters.errors import ProtofaceError

from .. import cascade_pb2
from ..layouts import Layout
from .mode import Mode
from .window import Box, Floats, Size, Window
from .window_kind import WINDOWS, WindowKind


@WINDOWS.register("box")
class BoxWindow(WindowKind):
    """`scale` times the box that is given with the picture."""

    needs_box = True

    def __init__(self, parameter: cascade_pb2.BoxWindow, layout: Layout, mode: Mode) -> None:
        super().__init__(parameter, layout, mode)
        self.scale = parameter.scale

    def over(self, size: Size, box: Box | None, points: Floats | None) -> Window:  # noqa: D102
        if box is None:
            raise ProtofaceError("it looks through a box: give boxes")
        return boxed(self.mode, size, box, self.scale)


def boxed(mode: Mode, size: Size, box: Box, scale: float) -> Window:
    """A box (4) x, y, width, height, enlarged. Raises ProtofaceError if it covers no pixel."""
    x, y, width, height = box.tolist()
    grow = scale - 1
    window = mode.box(
        size, x - width * grow / 2, y - height * grow / 2, width * (1 + grow), height * (1 + grow)
    )
    if window.empty:
        rows, columns = size
        raise ProtofaceError(
            f"box {[x, y, width, height]} covers no pixel of the {columns} x {rows} picture"
        )
    return window
