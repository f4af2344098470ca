"""The picture window: all of it, or the box that is given in its place; in one size or several."""

from __future__ import annotations

from .. import cascade_pb2
from ..layouts import Layout
from .box import enlarged
from .levels import make_levels
from .mode import Mode
from .window import Box, Floats, Size, Window, picture_window
from .window_kind import WINDOWS, WindowKind


@WINDOWS.register("picture")
class PictureWindow(WindowKind):
    """The whole picture; where the caller gives boxes, each box takes its place.

    With `levels` a net is run on all of it in their sizes.
    """

    whole = True

    def __init__(self, parameter: cascade_pb2.PictureWindow, layout: Layout, mode: Mode) -> None:
        super().__init__(parameter, layout, mode)
        self.levels = make_levels(parameter, mode.level)

    def over(self, size: Size, box: Box | None, points: Floats | None) -> Window:  # noqa: D102
        return picture_window(size) if box is None else self.mode.box(size, *enlarged(box, 1))
