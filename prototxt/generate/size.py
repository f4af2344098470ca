"""What can be varied of every net."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Size:
    """What can be varied: input height and width in pixels, channel multiplier, number of points.

    `net` is a key of `net_bodies.BODIES`. With `patches` the input has 3 channels for each point, those
    of a patch around it.
    """

    pixels: int = 48
    width: float = 1.0
    points: int = 5
    net: str = "original"
    patches: bool = False

    @property
    def input_channels(self) -> int:
        """Colour planes that the net looks at."""
        return 3 * self.points if self.patches else 3

    def channels(self, count: int) -> int:
        """`count` times the width, to a multiple of 8, at least 8 and never a tenth too few.

        Source: MobileNet-V2's code, `_make_divisible`.
        """
        wanted = count * self.width
        rounded = max(8, int(wanted + 4) // 8 * 8)
        return rounded if rounded >= 0.9 * wanted else rounded + 8
