"""Where a model fails: errors by pose and size of the face, and by what a set says of its faces.

Pose and size are taken from the true points, as five of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from protoface.cascade.layouts import DEFAULT, find_layout
from protoface.cascade.metrics import point_errors

from .evaluation import Measured
from .summary import Summary, summarise

Floats = NDArray[np.float64]


def turn(truth: Floats) -> Floats:
    """How far the nose is beside the middle of the eyes, along their line, in eye distances (n).

    0 for a face from the front, 0.5 where the nose lies below an eye. `truth` is (n, 5, 2).
    """
    left, right, nose = truth[:, 0], truth[:, 1], truth[:, 2]
    along = ((nose - (left + right) / 2) * (right - left)).sum(axis=1)
    square = np.maximum(((right - left) ** 2).sum(axis=1), np.finfo(np.float64).tiny)
    beside: Floats = np.abs(along / square)
    return beside


def size(truth: Floats) -> Floats:
    """Distance (n) of the eyes in pixels."""
    return find_layout(DEFAULT).distance("inter_ocular", truth)


def tilt(truth: Floats) -> Floats:
    """Angle (n) between the line of the eyes and the picture's rows, in degrees, 0 to 180."""
    across, down = (truth[:, 1] - truth[:, 0]).T
    angles: Floats = np.abs(np.degrees(np.arctan2(down, across)))
    return angles


@dataclass(frozen=True)
class Axis:
    """A way to group faces: what is measured of them (n), its unit, and the bounds between groups."""

    name: str
    unit: str
    measure: Callable[[Floats], Floats]
    bounds: tuple[float, ...]


AXES = (
    Axis("turn", "eye distances from nose to the middle of the eyes", turn, (0.15, 0.35)),
    Axis("tilt", "degrees", tilt, (5, 15)),
    Axis("size", "pixels of eye distance", size, (40, 80)),
)
ATTRIBUTE = "as the set says"


@dataclass(frozen=True)
class Group:
    """Errors of the faces whose `axis` is in [least, most), in `unit`; no `most`: all above.

    With the unit ATTRIBUTE: of the faces for which the set sets the flag `axis` (to 1).
    """

    axis: str
    unit: str
    least: float
    most: float | None
    summary: Summary

    def __str__(self) -> str:
        """The faces that it holds, for a table."""
        if self.unit == ATTRIBUTE:
            return f"{self.axis} ({self.unit})"
        end = "and more" if self.most is None else f"to {self.most:g}"
        return f"{self.axis} {self.least:g} {end} ({self.unit})"


def groups(measured: Measured, normaliser: str = "inter_ocular") -> list[Group]:
    """Errors of the last level in each group that has faces; none without the normaliser.

    The groups are those of AXES, unless the points cannot be converted to five, and the set's
    attributes.
    """
    level = len(measured.levels) - 1
    lengths = measured.lengths(normaliser, level)
    if lengths is None:
        return []
    errors, found = point_errors(measured.levels[level], measured.truth), []
    for axis, unit, least, most, inside in _members(measured):
        summary = summarise(errors[inside], lengths[inside])
        if summary is not None:
            found.append(Group(axis, unit, least, most, summary))
    return found


def _members(
    measured: Measured,
) -> Iterator[tuple[str, str, float, float | None, NDArray[np.bool_]]]:
    """Axis, unit and bounds of each group, and which faces (n) are in it."""
    five = find_layout(DEFAULT)
    if measured.layout.reaches(five):
        truth = measured.layout.convert(measured.truth, five)
        for axis in AXES:
            values = axis.measure(truth)
            for least, most in pairwise((0.0, *axis.bounds, np.inf)):
                end = None if np.isinf(most) else most
                yield axis.name, axis.unit, least, end, (least <= values) & (values < most)
    for name, flags in measured.dataset.attributes.items():
        yield name, ATTRIBUTE, 1.0, None, flags[measured.kept]
