"""The answer of points: where the points of the layout lie in the window."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .. import cascade_pb2
from ..face import Candidate
from ..layouts import Layout
from ..windows.mode import Mode
from ..windows.window import Floats, Window
from .answer_kind import ANSWERS, AnswerKind


@ANSWERS.register("points")
class PointsAnswer(AnswerKind):
    """X and y of every point, -1 to 1 from the first to the last pixel of the window or its patches."""

    def __init__(self, parameter: cascade_pb2.PointsAnswer, layout: Layout, mode: Mode) -> None:
        super().__init__(parameter, layout, mode)
        self.shape = (2 * len(layout),)
        flip = np.array(layout.flip)
        self._order = np.stack((2 * flip, 2 * flip + 1), 1).ravel()
        self._signs = np.tile(np.array((-1, 1), np.float32), len(layout))

    def read(
        self, values: Floats, windows: Sequence[Window], candidates: Sequence[Candidate]
    ) -> list[Candidate]:
        """See AnswerKind; a candidate whose window is empty keeps the points that it had."""
        to_picture = self.mode.to_picture
        return [
            candidate
            if window.empty and candidate.points is not None
            else candidate.at(to_picture(value, window))
            for value, window, candidate in zip(values, windows, candidates, strict=True)
        ]

    def mirrored(self, values: Floats) -> Floats:
        """See AnswerKind; a point takes the place of its partner."""
        return values.take(self._order, 1) * self._signs  # type: ignore[no-any-return]
