"""The answer of points: where the points of the layout lie in the window, or around a cell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from protoface.converters.errors import ProtofaceError

from .. import cascade_pb2
from ..face import Candidate
from ..layouts import Layout
from ..windows.mode import Mode
from ..windows.window import Floats, Points, Window
from .answer_kind import ANSWERS, AnswerKind
from .map_places import Places


@ANSWERS.register("points")
class PointsAnswer(AnswerKind):
    """X and y of every point.

    CENTRED: -1 to 1 from the first to the last pixel of the window or its patches. CORNER: 0 to 1,
    times the sides of the window, added to its first pixel. The order is x1 y1 x2 y2 ... or, by AXES,
    x1 x2 ... y1 y2 ... With a `frame` values are pixels of a square of that side, and relative to
    points they are added to those before.
    """

    gives_points = True

    def __init__(self, parameter: cascade_pb2.PointsAnswer, layout: Layout, mode: Mode) -> None:
        super().__init__(parameter, layout, mode)
        self.shape = (2 * len(layout),)
        self.axes = parameter.order == cascade_pb2.PointsAnswer.AXES
        self.corner = parameter.range == cascade_pb2.PointsAnswer.CORNER
        self.frame = parameter.frame
        self.relative = self.needs_points = parameter.relative_to == cascade_pb2.PointsAnswer.POINTS
        self.needs_window = self.relative or self.frame > 0
        if self.needs_window and self.corner:
            raise ProtofaceError("points of range CORNER have no frame, and are relative to the window")
        self.mirrors = not self.corner
        self.on_device = not (self.corner or self.axes or self.needs_window)
        self._to_picture = corner_points if self.corner else mode.to_picture
        flip, count = np.array(layout.flip), len(layout)
        order: Floats = np.stack((flip, flip + count) if self.axes else (2 * flip, 2 * flip + 1))
        signs = np.repeat(np.array(((-1,), (1,)), np.float32), count, 1)
        self._order = (order if self.axes else order.T).ravel()
        self._signs = (signs if self.axes else signs.T).ravel()

    def read(
        self, values: Floats, windows: Sequence[Window], candidates: Sequence[Candidate]
    ) -> list[Candidate]:
        """See AnswerKind; a candidate whose window is empty keeps the points that it had."""
        to_picture = self._to_picture
        if self.axes:
            values = self._pairs(values)
        if self.needs_window:
            return [
                candidate if window.empty else candidate.at(self._moved(value, window, candidate))
                for value, window, candidate in zip(values, windows, candidates, strict=True)
            ]
        return [
            candidate
            if window.empty and candidate.points is not None
            else candidate.at(to_picture(value, window.frame or window))
            for value, window, candidate in zip(values, windows, candidates, strict=True)
        ]

    def _moved(self, values: Floats, window: Window, candidate: Candidate) -> Points:
        """Points (n, 2) in the picture of values (2n) in a frame, or relative to the points before."""
        spots = values.reshape(-1, 2).astype(np.float64)
        if self.frame and not self.relative:
            spots = spots - (self.frame - 1) / 2
        sides = np.array((window.width, window.height))
        spots = spots * (sides / self.frame if self.frame else (sides - 1) / 2)
        (cos, sin), before = window.direction, candidate.points
        origin = before if self.relative and before is not None else np.array(window.centre)
        found: Points = (spots @ np.array(((cos, sin), (-sin, cos))) + origin).astype(np.float32)
        return found

    def read_places(self, values: Floats, places: Places) -> Places:  # noqa: D102
        spots = self._pairs(values).reshape(len(values), values.shape[1] // 2, 2).astype(np.float64)
        cell, corners = places.map.cell, places.corners[:, None]
        if self.corner:
            points = places.to_picture(corners + spots * cell)
        else:  # the centres of pixels are a half from their edges
            half = (cell - 1) / 2
            points = places.to_picture(corners + half + spots * half + 0.5) - 0.5
        return replace(places, points=points.astype(np.float32))

    def mirrored(self, values: Floats) -> Floats:
        """See AnswerKind; a point takes the place of its partner."""
        found: Floats = values.take(self._order, 1) * self._signs
        if self.frame and not self.relative:  # the first pixel becomes the last one
            found += (self._signs < 0) * np.float32(self.frame - 1)
        return found

    def _pairs(self, values: Floats) -> Floats:
        """Values (n, 2 points) in the order x1 y1 x2 y2 ..."""
        if not self.axes:
            return values
        count = values.shape[1] // 2  # not -1, of which there is none where there are no values
        return values.reshape(len(values), 2, count).swapaxes(1, 2).reshape(values.shape)


def corner_points(output: Floats, window: Window) -> Points:
    """Points (n, 2) in the picture of a net's output (2n): parts of the sides, from the first pixel."""
    spots = output.reshape(-1, 2) * (window.width, window.height) + (window.x, window.y)
    found: Points = spots.astype(np.float32)
    return found
