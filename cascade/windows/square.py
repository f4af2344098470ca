"""The square window: a square around one point, as large as two of them are apart."""

from __future__ import annotations

from protoface.converters.errors import ProtofaceError

from .. import cascade_pb2
from ..layouts import Layout
from .mode import Mode
from .window import Box, Floats, Size, Window
from .window_kind import WINDOWS, WindowKind


@WINDOWS.register("square")
class SquareWindow(WindowKind):
    """A square of side k * distance(a, b) around a point; `corners` are their indices: around, a, b."""

    needs_points = True

    def __init__(self, parameter: cascade_pb2.SquareWindow, layout: Layout, mode: Mode) -> None:
        super().__init__(parameter, layout, mode)
        names = (parameter.around, parameter.a, parameter.b)
        for name in names:
            if name not in layout.points:
                raise ProtofaceError(
                    f"no point is named '{name}'; there are {', '.join(layout.points)}"
                )
        if parameter.k <= 0:
            raise ProtofaceError(f"k is {parameter.k}, it must be positive")
        self.k = parameter.k
        self.corners = tuple(layout.points.index(name) for name in names)

    def over(self, size: Size, box: Box | None, points: Floats | None) -> Window:  # noqa: D102
        assert points is not None
        around, a, b = self.corners
        return self.mode.square(size, points, around, a, b, self.k)
