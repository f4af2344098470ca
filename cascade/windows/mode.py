"""Two ways to do the arithmetic of windows: `clean`, and `faithful` to the original's rounding."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from protoface.converters.errors import ProtofaceError

from . import clean, faithful
from .halves import Picture
from .levels import Level
from .window import Floats, Points, Size, Window


class Mode(Protocol):
    """What a mode computes; `clean.py` and `faithful.py` are the two.

    Sizes are (rows, columns), all else is in pixels. `LACKS` names kinds of windows that it does
    not have, `EXTRA` are pixels added to the sides of boxes where overlaps are measured, by
    union and by minimum, `PADS` says whether windows may reach beyond the picture. Many boxes are
    arrays (n, 4) of x, y, width, height.
    """

    NAME: str
    LACKS: frozenset[str]
    EXTRA: tuple[float, float]
    PADS: bool

    def box(self, size: Size, x: float, y: float, width: float, height: float) -> Window:
        """The part of a given rectangle that lies in the picture."""

    def square(self, size: Size, points: Floats, around: int, a: int, b: int, k: float) -> Window:
        """The square of side k * distance(a, b) around a point; they are indices of points."""

    def square_boxes(self, sizes: Sequence[Size], boxes: Floats) -> list[Window]:
        """The squares of the longer sides of boxes, on the same centres; a size for each."""

    def level(self, size: Size, scale: float) -> Level:
        """A picture scaled as a whole."""

    def enough(self, scores: Floats, least: float, mapped: bool) -> Floats:
        """Whether scores (n), of a map's places or of crops, are high enough; not if they are NaN."""

    def cells(self, level: Level, corners: Floats, side: int) -> Floats:
        """Boxes of cells of that side whose first pixels (n, 2) are (x, y) in a level."""

    def moved(self, boxes: Floats, offsets: Floats) -> Floats:
        """Boxes of cells moved by offsets (n, 4) dx1, dy1, dx2, dy2 in parts of their sides."""

    def window_boxes(self, windows: Sequence[Window]) -> Floats:
        """The boxes that windows (n) show."""

    def moved_windows(self, windows: Sequence[Window], offsets: Floats) -> Floats:
        """The boxes that offsets (n, 4) make of windows (n)."""

    def resample(
        self, picture: Picture, window: Window, height: int, width: int, interpolation: int
    ) -> Floats:
        """Pixels of a window (height, width, 3), colours as they are, by OpenCV's interpolation."""

    def resample_all(
        self,
        pictures: Sequence[Picture],
        windows: Sequence[Window],
        height: int,
        width: int,
        interpolation: int,
    ) -> list[Floats]:
        """The same of windows (n) of pictures (n), none of them empty."""

    def shrink(self, picture: Picture, height: int, width: int, interpolation: int) -> Floats:
        """All of a picture (height, width, 3) in another size; may be the picture itself."""

    def to_picture(self, output: Floats, window: Window) -> Points:
        """Points (n, 2) in the picture of a net's output (2n) in [-1, 1] of the window."""


MODES: dict[str, Mode] = {mode.NAME: mode for mode in (clean, faithful)}


def find_mode(name: str) -> Mode:
    """A mode by its name. Raises ProtofaceError for an unknown one."""
    if name not in MODES:
        raise ProtofaceError(f"mode '{name}' is unknown; there are {', '.join(MODES)}")
    return MODES[name]
