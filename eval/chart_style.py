"""How stages and other finders look in charts: each has one colour, line and hatch in all of them.

The first stage is red and the last one blue, as in drawn pictures. Lines, markers and hatches tell them
apart without colour too. Colours in between are from Okabe and Ito (2008), for colour-blind readers.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from matplotlib import colormaps
from matplotlib.colors import to_hex

FIRST, LAST = "#d00000", "#0000d0"
BETWEEN = ("#e69f00", "#56b4e9", "#cc79a7", "#000000", "#009e73")
OTHERS = ("#7f7f7f", "#8c564b", "#bcbd22", "#17becf")
#: Lines and markers repeat after four and seven, so together after 28.
LINES: tuple[Any, ...] = ((0, (1, 1)), (0, (6, 1, 1, 1)), (0, (3, 1)), (0, (8, 2, 2, 2)))
MARKERS = "o^sDvPX"
HATCHES = ("//", "..", "xx", "\\\\", "++", "oo", "--")


class Look(NamedTuple):
    """Colour, line style, marker and hatch of a stage or finder."""

    colour: str
    line: Any
    marker: str
    hatch: str


def stage_looks(count: int) -> list[Look]:
    """A look for each of `count` stages, in their order."""
    between = [_look(colour, number) for number, colour in enumerate(_between(count - 2))]
    return [Look(FIRST, (0, (5, 2)), "", ""), *between, Look(LAST, "solid", "", "")][-count:]


def finder_looks(count: int) -> list[Look]:
    """A look for each of `count` other finders."""
    return [_look(OTHERS[number % len(OTHERS)], number) for number in range(count)]


def _between(count: int) -> list[str]:
    """Colours of so many stages between the first and the last."""
    if count <= len(BETWEEN):
        return list(BETWEEN[: max(0, count)])
    scale = colormaps["viridis"]
    return [to_hex(scale(number / (count - 1))) for number in range(count)]


def _look(colour: str, number: int) -> Look:
    line, marker = LINES[number % len(LINES)], MARKERS[number % len(MARKERS)]
    return Look(colour, line, marker, HATCHES[number % len(HATCHES)])
