"""The picture window: all of it, or the box that is given in its place."""

from __future__ import annotations

from .box import boxed
from .window import Box, Floats, Size, Window, picture_window
from .window_kind import WINDOWS, WindowKind


@WINDOWS.register("picture")
class PictureWindow(WindowKind):
    """The whole picture; where the caller gives boxes, each box takes its place."""

    whole = True

    def over(self, size: Size, box: Box | None, points: Floats | None) -> Window:  # noqa: D102
        return picture_window(size) if box is None else boxed(self.mode, size, box, 1)
