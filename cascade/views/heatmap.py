"""The view of a heat map: where the points of the stage before are in the window."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from protoface.converters.errors import ProtofaceError

from .. import cascade_pb2
from ..face import Candidate
from ..heat_maps import HeatMap, heat_maps
from ..layouts import Layout
from ..windows.halves import Picture
from ..windows.mode import Mode
from ..windows.sampling import sampling_matrix
from ..windows.window import Floats, Window
from .pixels import LARGEST_SIDE
from .view_kind import VIEWS, Batch, ViewKind


@VIEWS.register("heatmap")
class HeatmapView(ViewKind):
    """1 / (1 + pixels to the nearest point), one channel, in the first view's window."""

    needs_points = True

    def __init__(
        self, parameter: cascade_pb2.HeatmapView, layout: Layout, mode: Mode, where: str
    ) -> None:
        super().__init__(parameter, layout, mode, where)
        sizes, half = list(parameter.size), parameter.half_size
        if len(sizes) not in (1, 2) or not 0 < min(sizes) <= max(sizes) <= LARGEST_SIDE:
            raise ProtofaceError(
                f"{where}: a heatmap needs one or two values of size, 1 to {LARGEST_SIDE} pixels"
            )
        if half and parameter.clamp and min(sizes) < 2 * half + 1:
            raise ProtofaceError(
                f"{where}: squares of half_size {half} do not fit in a heatmap of {min(sizes)} pixels; "
                "take a smaller one, or clamp: false"
            )
        last = half if parameter.inclusive else half - 1
        self.like = HeatMap(sizes[0], sizes[-1], half, last, parameter.clamp)
        self.shape = (1, sizes[0], sizes[-1])
        self.pixels = math.prod(self.shape)

    def windows(self, candidates: Sequence[Candidate]) -> list[Window]:
        """See ViewKind; it has no window of its own."""
        raise ProtofaceError("a heatmap cannot be the first view: it lies in that one's window")

    def windows_beside(
        self, candidates: Sequence[Candidate], others: Sequence[Sequence[Window]]
    ) -> Sequence[Window]:
        """See ViewKind: the first view's."""
        return others[0]

    def show(
        self,
        images: Sequence[Picture],
        windows: Sequence[Window],
        candidates: Sequence[Candidate],
    ) -> Batch:
        """See ViewKind; 0 where a window is empty."""
        points = np.full((len(windows), len(self.layout), 2), np.nan)
        for index, (window, candidate) in enumerate(zip(windows, candidates, strict=True)):
            if not window.empty and candidate.points is not None:
                points[index] = seen_points(candidate.points, window, self.like.height, self.like.width)
        return heat_maps(points, self.like)[:, None]

    def mirrored(self, batch: Batch) -> Batch:
        """See ViewKind."""
        return np.ascontiguousarray(batch[..., ::-1])


def seen_points(points: Floats, window: Window, height: int, width: int) -> Floats:
    """Points (n, 2) of the picture in pixels of what a net sees of a window."""
    rule = sampling_matrix(window, height, width)
    found: Floats = (points - rule[:, 2]) @ np.linalg.inv(rule[:, :2]).T
    return found
