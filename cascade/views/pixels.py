"""The view of pixels: what lies under a window, resized, in the net's colour order and scale."""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np

from protoface.converters.errors import ProtofaceError

from .. import cascade_pb2
from ..face import Candidate
from ..layouts import Layout
from ..windows.halves import Picture
from ..windows.levels import Level, Levels
from ..windows.mode import Mode
from ..windows.window import Floats, Window
from ..windows.window_kind import make_window
from .planar import planar
from .view_kind import VIEWS, Batch, ViewKind, make_views

_Preprocess = cascade_pb2.PreprocessParameter
_INTERPOLATION = {
    _Preprocess.LINEAR: cv2.INTER_LINEAR,
    _Preprocess.NEAREST: cv2.INTER_NEAREST,
    _Preprocess.CUBIC: cv2.INTER_CUBIC,
    _Preprocess.AREA: cv2.INTER_AREA,
}


#: Weights of blue, green and red in the one channel of a gray view.
GRAYS = {
    _Preprocess.GRAY: np.full(3, 1 / 3, np.float32),
    _Preprocess.LUMA: np.array((0.114, 0.587, 0.299), np.float32),
}


@VIEWS.register("pixels")
class PixelsView(ViewKind):
    """Pixels of a window: 3 channels, 1 of a gray one; for each point where the window has patches.

    `size` is (height, width) of the net's input, `interpolation` OpenCV's; `mean` (3) in the net's
    colour order, which is RGB if `swap`; a value becomes (value - mean) * scale. A view that is not
    `plain` is gray, or has pictures of means, or deviations: `normal` has both, which broadcast against
    (channels, height, width).
    """

    def __init__(
        self, parameter: cascade_pb2.PixelsView, layout: Layout, mode: Mode, where: str
    ) -> None:
        super().__init__(parameter, layout, mode, where)
        preprocess = parameter.preprocess
        _check(preprocess, where, bool(parameter.window.ListFields()))
        self.window = make_window(parameter.window, layout, mode, where)
        self.levels = self.window.levels
        _check_size(preprocess, where, self.levels)
        self.needs_points, self.needs_box = self.window.needs_points, self.window.needs_box
        self.begins = self.window.begins
        self.patches = len(layout) if self.window.patch else 1
        self.size = (0, 0) if self.levels else (preprocess.size[0], preprocess.size[-1])
        self.gray = GRAYS.get(preprocess.color_order)
        self.channels = 3 if self.gray is None else 1
        self.shape = (self.channels * self.patches, *self.size)
        self.pixels = self.levels.usual_pixels if self.levels else math.prod(self.size)
        self._takes_box = self.needs_box or self.window.whole
        self.interpolation = _INTERPOLATION[preprocess.interpolation]
        self.scale = preprocess.scale
        self.plain = self.gray is None and len(preprocess.mean) < 4 and not preprocess.deviation
        mean = list(preprocess.mean) if self.plain else []
        self.mean = (mean or [0.0]) * (3 if len(mean) < 2 else 1)
        self.normal = [
            planes(list(values) or [usual], self.channels, self.size, f"{where}: {name}")
            for name, values, usual in (
                ("mean", preprocess.mean, 0.0),
                ("deviation", preprocess.deviation, 1.0),
            )
        ]
        if not (self.normal[1] > 0).all():
            raise ProtofaceError(f"{where}: deviation must be above 0 everywhere")
        self.swap = preprocess.color_order == _Preprocess.RGB

    def windows(self, candidates: Sequence[Candidate]) -> list[Window]:
        """See ViewKind. Raises ProtofaceError for a box that is given and covers no pixel."""
        found = self.window.over_all(
            [candidate.size for candidate in candidates],
            [candidate.box for candidate in candidates],
            [candidate.points for candidate in candidates],
        )
        if self._takes_box:
            _check_boxes(found, candidates)
        return found

    def begun(self, candidate: Candidate) -> Candidate:
        """See ViewKind: as its window says."""
        if candidate.points is not None or not self.begins:
            return candidate
        return candidate.at(self.window.first_points(candidate.size, candidate.box))

    def show(
        self,
        images: Sequence[Picture],
        windows: Sequence[Window],
        candidates: Sequence[Candidate],
    ) -> Batch:
        """See ViewKind: `make_input`."""
        return self.make_input(images, windows)

    def make_input(self, images: Sequence[Picture], windows: Sequence[Window]) -> Batch:
        """The input (n, *shape) for windows (n) of pictures (n); black where one is empty."""
        height, width = self.size
        shown = [
            (image, part)
            for image, window in zip(images, windows, strict=True)
            if not window.empty
            for part in window.patches or (window,) * self.patches
        ]
        pictures, whole = [image for image, _ in shown], [part for _, part in shown]
        seen = iter(self.mode.resample_all(pictures, whole, height, width, self.interpolation))
        black = np.zeros((height, width, 3), np.uint8)
        parts = [
            black if window.empty else next(seen) for window in windows for _ in range(self.patches)
        ]
        batch = self.fill(parts)
        return batch.reshape(len(images), -1, height, width) if self.patches > 1 else batch

    def fill(self, parts: Sequence[Floats]) -> Batch:
        """(value - mean) / deviation * scale, in the net's colour order, as planes."""
        if not self.plain:
            return self._fill(parts)
        return planar(parts, self.mean, self.scale, self.swap)

    def _fill(self, parts: Sequence[Floats]) -> Batch:
        """The same where the view is not plain."""
        if self.gray is None:
            batch: Floats = cv2.dnn.blobFromImages(parts, swapRB=self.swap)  # type: ignore[assignment]
        else:
            batch = (np.stack(parts) @ self.gray)[:, None]
        mean, deviation = self.normal
        return np.asarray((batch - mean) * (self.scale / deviation), np.float32)

    def show_level(self, image: Picture, level: Level) -> Floats:
        """See ViewKind; black where the picture ends."""
        seen = self.mode.shrink(image, level.rows, level.columns, self.interpolation)
        below, right = level.height - level.rows, level.width - level.columns
        if not (below or right):
            return seen
        return cv2.copyMakeBorder(seen, 0, below, 0, right, cv2.BORDER_CONSTANT)

    def mirrored(self, batch: Batch) -> Batch:
        """See ViewKind; a point's patch takes the place of its partner's."""
        parts = batch.reshape(len(batch), self.patches, self.channels, *self.size)[..., ::-1]
        if self.patches > 1:
            parts = parts[:, list(self.layout.flip)]
        return parts.reshape(batch.shape)


def planes(values: Sequence[float], channels: int, size: tuple[int, int], where: str) -> Floats:
    """One value for all, one for each channel, or one for each pixel, to broadcast against an input.

    Raises ProtofaceError beginning with `where` for another number of them.
    """
    array = np.array(values, np.float32)
    if len(array) in (1, channels):
        return array[:, None, None]
    if len(array) == channels * math.prod(size):
        return array.reshape(channels, *size)
    raise ProtofaceError(
        f"{where} has {len(array)} values; give one, {channels} (one for each channel), or "
        f"{channels * math.prod(size)} (one for each value of the input)"
    )


def only_pixels(
    stage: cascade_pb2.StageParameter, layout: Layout, mode: Mode, where: str
) -> PixelsView | None:
    """The view of a stage that has one view, of pixels; None of another one.

    Raises ProtofaceError beginning with `where`.
    """
    view, *others = make_views(stage, layout, mode, where)
    return view if isinstance(view, PixelsView) and not others else None


def _check_boxes(windows: Sequence[Window], candidates: Sequence[Candidate]) -> None:
    """Of boxes that the caller gives: no stage has looked at them before."""
    for window, candidate in zip(windows, candidates, strict=True):
        if window.empty and candidate.box is not None and not candidate.windows:
            rows, columns = candidate.size
            raise ProtofaceError(
                f"box {candidate.box.tolist()} covers no pixel of the {columns} x {rows} picture"
            )


#: Pixels of a side of a net's input: with three channels 200 MB a picture.
LARGEST_SIDE = 4096


def _check(preprocess: cascade_pb2.PreprocessParameter, where: str, sizeless: bool) -> None:
    sizes = (0, 1, 2) if sizeless else (1, 2)
    if len(preprocess.size) not in sizes:
        raise ProtofaceError(f"{where}: preprocess needs one or two values of size")


def _check_size(preprocess: cascade_pb2.PreprocessParameter, where: str, levels: Levels | None) -> None:
    if levels is not None:
        if preprocess.size:
            raise ProtofaceError(f"{where}: its window has levels, which have sizes; leave out size")
        return
    _check(preprocess, where, sizeless=False)
    if not 0 < min(preprocess.size) <= max(preprocess.size) <= LARGEST_SIDE:
        raise ProtofaceError(
            f"{where}: size is {max(preprocess.size)}, at most {LARGEST_SIDE} pixels and at least 1"
        )
