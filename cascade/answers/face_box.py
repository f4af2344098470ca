"""The answer of a box: where the face begins and ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from .. import cascade_pb2
from ..face import Candidate
from ..layouts import Layout
from ..windows.mode import Mode
from ..windows.window import Floats, Window
from .answer_kind import ANSWERS, AnswerKind
from .map_places import Places


@ANSWERS.register("box")
class BoxAnswer(AnswerKind):
    """Four numbers: what is added to the corners of the window or cell, or distances from its centre.

    CORNERS are dx1, dy1, dx2, dy2 in parts of the sides. DISTANCES are left, top, right, bottom in
    strides, of maps alone.
    """

    shape = (4,)
    gives_box = True

    def __init__(self, parameter: cascade_pb2.BoxAnswer, layout: Layout, mode: Mode) -> None:
        super().__init__(parameter, layout, mode)
        self.distances = parameter.form == cascade_pb2.BoxAnswer.DISTANCES
        self.needs_map = self.distances

    def read(
        self, values: Floats, windows: Sequence[Window], candidates: Sequence[Candidate]
    ) -> list[Candidate]:
        """See AnswerKind; a candidate whose window is empty keeps the box that it had."""
        boxes = self.mode.moved_windows(windows, values)
        return [
            candidate if window.empty else candidate._replace(box=box)
            for box, window, candidate in zip(boxes, windows, candidates, strict=True)
        ]

    def read_places(self, values: Floats, places: Places) -> Places:  # noqa: D102
        if self.distances:
            return replace(places, boxes=_reached(values.astype(np.float64), places))
        return replace(places, boxes=self.mode.moved(places.cells, values))

    def mirrored(self, values: Floats) -> Floats:
        """See AnswerKind: left and right change places, and sides."""
        found: Floats = values[:, [2, 1, 0, 3]] * np.array((-1, 1, -1, 1), values.dtype)
        return found


def _reached(distances: Floats, places: Places) -> Floats:
    """Boxes (n, 4) in the picture; their sides are so far (n, 4) from cells' centres, in strides."""
    cell, stride = places.map
    centre = places.corners + cell / 2  # edges of pixels, as boxes have
    start = places.to_picture(centre - distances[:, :2] * stride)
    stop = places.to_picture(centre + distances[:, 2:] * stride)
    return np.concatenate((start, stop - start), 1)
