"""Two ways to do the arithmetic of windows: `clean`, and `faithful` to the original's rounding."""

from __future__ import annotations

from typing import Protocol

from protoface.converters.errors import ProtofaceError

from . import clean, faithful
from .halves import Picture
from .window import Floats, Points, Size, Window


class Mode(Protocol):
    """What a mode computes; `clean.py` and `faithful.py` are the two.

    Sizes are (rows, columns), all else is in pixels. `LACKS` names kinds of windows and interpolations
    that it does not have.
    """

    NAME: str
    LACKS: frozenset[str]

    def box(self, size: Size, x: float, y: float, width: float, height: float) -> Window:
        """The part of a given rectangle that lies in the picture."""

    def square(self, size: Size, points: Floats, around: int, a: int, b: int, k: float) -> Window:
        """The square of side k * distance(a, b) around a point; they are indices of points."""

    def resample(
        self, picture: Picture, window: Window, height: int, width: int, interpolation: int
    ) -> Floats:
        """Pixels of a window (height, width, 3), colours as they are, by OpenCV's interpolation."""

    def to_picture(self, output: Floats, window: Window) -> Points:
        """Points (n, 2) in the picture of a net's output (2n) in [-1, 1] of the window."""


MODES: dict[str, Mode] = {mode.NAME: mode for mode in (clean, faithful)}


def find_mode(name: str) -> Mode:
    """A mode by its name. Raises ProtofaceError for an unknown one."""
    if name not in MODES:
        raise ProtofaceError(f"mode '{name}' is unknown; there are {', '.join(MODES)}")
    return MODES[name]
