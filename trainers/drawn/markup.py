"""The points of a drawn face in every layout, from the curves that are painted.

Points that are hidden, by the nose or by the head itself, keep their place, as those who mark
photographs guess it. Layouts are named as in `cascade.layouts`; the order of the points is theirs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from protoface.converters import ProtofaceError

from .contour import contour, first_crossing, half_rim
from .features import MET, PARTED, Curve, Features, lids, lips, nostril, pupil, wing
from .head import FLOOR, Floats, Pose, Shape, landmarks, lift, outline

# Places on the lips' curves, -1 in the left corner and 1 in the right one: outer edges above and below,
# inner edges above and below, the lower ones from right to left.
_Lips = tuple[Sequence[float], Sequence[float], Sequence[float], Sequence[float]]
IBUG_LIPS: _Lips = (
    (-1, -0.63, -0.26, 0, 0.26, 0.63, 1), (0.65, 0.29, 0, -0.29, -0.65),
    (-0.93, -0.26, 0, 0.26, 0.93), (0.27, 0, -0.27),
)  # fmt: skip
WFLW_LIPS: _Lips = (
    (-1, -0.62, -0.2, 0, 0.2, 0.62, 1), (0.74, 0.4, 0, -0.4, -0.74),
    (-0.95, -0.48, 0, 0.48, 0.95), (0.49, 0, -0.49),
)  # fmt: skip
# Heights at which the contour of the jaw begins: as in photographs, 300-W's just below the eyes.
IBUG_START, WFLW_START = 0.02, -0.06


@dataclass(frozen=True, eq=False)
class Head:
    """A head as it was drawn: `height` is its surface, `features` what was painted on it."""

    shape: Shape
    height: Floats
    pose: Pose
    features: Features

    def seen(self, flat: Curve) -> Floats:
        """Pixels (n, 2) of places (n, 2) on the map."""
        surface = lift(self.height, flat.astype(np.float32))
        surface[:, 2] = np.maximum(surface[:, 2], FLOOR)
        return self.pose.project(surface)


def mark(head: Head, layout: str) -> Floats:
    """Pixels (n, 2) float32 of a layout's points. Raises ProtofaceError if it is not in MARKUPS."""
    check_layout(layout)
    return MARKUPS[layout](head)


def check_layout(layout: str) -> None:
    """Raise ProtofaceError if faces cannot be drawn with the points of a layout."""
    if layout not in MARKUPS:
        raise ProtofaceError(f"layout '{layout}' cannot be drawn; there are {', '.join(MARKUPS)}")


def _celeba5(head: Head) -> Floats:
    return head.pose.project(landmarks(head.shape, head.height))


def _ibug68(head: Head) -> Floats:
    brows = [_middle(*head.features.brow.edges(head.shape, side))[::side] for side in (-1, 1)]
    inner = [*brows, _nose(head.shape), *_eyes(head, 2), _mouth(head.shape, IBUG_LIPS)]
    return np.vstack((_jaw(head, 17, IBUG_START), head.seen(np.vstack(inner))))


def _wflw98(head: Head) -> Floats:
    brows = [_around(*head.features.brow.edges(head.shape, side), side) for side in (-1, 1)]
    inner = [*brows, _nose(head.shape), *_eyes(head, 3), _mouth(head.shape, WFLW_LIPS)]
    pupils = [_pupil(head.features, side) for side in (-1, 1)]
    return np.vstack((_jaw(head, 33, WFLW_START), head.seen(np.vstack((*inner, *pupils)))))


def _ibug77(head: Head) -> Floats:
    return np.vstack((_ibug68(head), head.seen(forehead(head))))


#: Layout -> what marks its points; their names are DRAWN_LAYOUTS, too.
MARKUPS: dict[str, Callable[[Head], Floats]] = {
    "celeba5": _celeba5,
    "ibug68": _ibug68,
    "ibug77": _ibug77,
    "wflw98": _wflw98,
}


def _jaw(head: Head, count: int, start: float) -> Floats:
    return contour(head.shape, head.height, head.pose, count, start)


def _along(curve: Curve, share: ArrayLike) -> Curve:
    """Points on a painted curve, 0 its first and 1 its last corner: on its straight pieces, too."""
    at, corners = np.asarray(share) * (len(curve) - 1), np.arange(len(curve))
    return np.column_stack([np.interp(at, corners, values) for values in curve.T])


def _middle(upper: Curve, lower: Curve) -> Curve:
    """Five points along the middle of a brow, from the nose outwards."""
    return _along((upper + lower) / 2, np.linspace(0, 1, 5))


def _around(upper: Curve, lower: Curve, side: int) -> Curve:
    """Nine points around a brow: its upper edge from left to right, then its lower one back.

    The outer tip is one point, the inner end has a corner above and one below.
    """
    share = np.linspace(0, 1, 5)
    above, below = _along(upper, share), _along(lower, share)
    tip = (above[-1:] + below[-1:]) / 2
    if side < 0:
        return np.vstack((tip, above[3::-1], below[:4]))
    return np.vstack((above[:4], tip, below[3::-1]))


def _nose(shape: Shape) -> Curve:
    """Ridge, from between the eyes to the tip, and base from wing to wing."""
    ridge = np.column_stack((np.zeros(4), np.linspace(-0.03, shape.nose, 4)))
    (x, y), (_, half) = nostril(shape, 1)
    end = wing(shape, 1)[2]
    base = [(-end[0], end[1]), (-x, y + half), (0, shape.nose + 0.16), (x, y + half), end]
    return np.vstack((ridge, base))


def _eyes(head: Head, between: int) -> list[Curve]:
    """Both eyes: the upper lid from left to right, `between` points within it; the lower one back."""
    share = np.linspace(0, 1, between + 2)
    pairs = [_lids(head.features, side) for side in (-1, 1)]
    return [np.vstack((_along(up, share), _along(low, share[-2:0:-1]))) for up, low in pairs]


def _lids(features: Features, side: int) -> tuple[Curve, Curve]:
    upper, lower = lids(side, features.opening)
    return upper, lower if features.opening > MET else upper  # shut: the line of the lashes


def _pupil(features: Features, side: int) -> Curve:
    """The middle of the iris; it never leaves the lids."""
    x, y = pupil(side, features.gaze)
    above, below = (float(np.interp(x, *lid.T)) for lid in _lids(features, side))
    return np.array([(x, min(max(y, above), below))])


def _mouth(shape: Shape, places: _Lips) -> Curve:
    """Outer, then inner edges of the lips. The inner corners lie in the middle of the gap."""
    curves = lips(shape)
    below_gap = curves.below_gap if shape.opened > PARTED else curves.above_gap
    edges = (curves.top, curves.bottom, curves.above_gap, below_gap)
    parts = [_along(curve, (np.array(t) + 1) / 2) for curve, t in zip(edges, places, strict=True)]
    ends = (np.array(places[2])[[0, -1]] + 1) / 2
    parts[2][[0, -1]] = _along((curves.above_gap + below_gap) / 2, ends)
    return np.vstack(parts)


def forehead(head: Head) -> Curve:
    """Nine places on the hairline from left to right, the fifth above the nose.

    They lie 18 degrees apart as seen from between the eyes, on the edge of the painted hair, or on the
    rim of the face where that is nearer. A bald head has no hairline to be seen: its points lie on the
    oval whose bounds are the box of its face.
    """
    angle = np.radians(180 - 18 * np.arange(1, 10))
    away = np.column_stack((np.cos(angle), -np.sin(angle)))
    right = half_rim(head.shape, head.shape.crown)
    hair, oval = head.features.hair, outline(head.shape)[:, :2]
    end = np.vstack((oval, oval[:1])) if hair is None else hair
    lines: list[Floats | Curve] = [end, right, right * (-1, 1)]
    near = [min(first_crossing(line, way)[0] for line in lines) for way in away]
    return np.asarray(away * np.array(near)[:, None])
