"""The part of each training picture that a stage can see, kept in memory as small as possible.

A source is a part of the half of the picture (`windows/halves.py`) that detection would look at for its
face's window. From then on `sampling.resample` sees the same values as in detection.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cv2
from tqdm import tqdm

from protoface.cascade.layouts import DEFAULT, find_layout
from protoface.cascade.parallel import in_order
from protoface.cascade.pictures import read_picture
from protoface.cascade.views.pixels import PixelsView
from protoface.cascade.windows.halves import Halves, halvings
from protoface.cascade.windows.window import Image, Window
from protoface.converters import ProtofaceError

from .jitter import Floats

#: How much more than the true window is kept, in its sides: where errors and augmentation may look.
MARGIN = 2.2
#: Pixels of a half that are kept together, so that its own halves are the picture's.
ALIGNED = 16


@dataclass(frozen=True, eq=False)
class Source:
    """A face: pixels from column `left` and row `top` of a picture on, halved to a `factor`-th.

    `points` (points, 2), the same as five points `five` (5, 2), and `window`, which a stage has over
    the true points, are in pixels of the picture; `picture` is its (rows, columns).
    """

    pixels: Image
    left: int
    top: int
    factor: int
    picture: tuple[int, int]
    points: Floats
    five: Floats
    window: Window

    def seen(self, window: Window) -> Window:
        """A window of the picture (without its patches) in pixels of the source."""
        # a window's first pixel begins at x - 0.5, in both pictures
        x, y, f = window.x - self.left, window.y - self.top, self.factor
        return Window(x / f, y / f, window.width / f, window.height / f, window.angle)


def make_source(view: PixelsView, image: Image, points: Floats) -> Source | None:
    """What `view` can show of a face; None where its window over the true points is empty."""
    picture = image.shape[0], image.shape[1]
    window = view.window.over(picture, None, points)
    if window.empty:
        return None
    times = _halvings(view, window)
    if view.window.whole:
        times = max(0, times - 1)  # a whole picture is small enough to be kept finer
    factor = 1 << times
    half = Halves(image).half(times, times)
    (left, right), (top, bottom) = _kept(window, factor, half.shape)
    five = view.layout.convert(points, find_layout(DEFAULT))
    pixels = half[top:bottom, left:right].copy()  # the rest of the picture may go
    return Source(pixels, left * factor, top * factor, factor, picture, points, five, window)


def _halvings(view: PixelsView, window: Window) -> int:
    """How often detection halves the picture before it samples; see `sampling.resample`."""
    if view.interpolation != cv2.INTER_AREA:
        return 0
    part = window.patches[0] if window.patches else window
    return halvings(min(part.width / view.size[1], part.height / view.size[0]))


def _kept(
    window: Window, factor: int, half: tuple[int, ...]
) -> tuple[tuple[int, int], tuple[int, int]]:
    """First and last column, first and last row of the half that are kept: MARGIN windows around it."""
    (x, y), (cos, sin) = window.centre, window.direction
    cos, sin = abs(cos), abs(sin)
    ends = []
    for middle, length, edge in (
        (x, window.width * cos + window.height * sin, half[1]),
        (y, window.width * sin + window.height * cos, half[0]),
    ):
        start, stop = (
            (middle + 0.5 + side * MARGIN * length / 2) / factor / ALIGNED for side in (-1, 1)
        )
        first = min(max(math.floor(start) * ALIGNED, 0), (edge - 1) // ALIGNED * ALIGNED)
        ends.append((first, max(min(math.ceil(stop) * ALIGNED, edge), first + 1)))
    return ends[0], ends[1]


def read_sources(
    name: str, view: PixelsView, paths: Sequence[Path], truth: Floats, workers: int
) -> tuple[list[Source], list[int]]:
    """A source of each picture that shows the stage `name` something, and their indices.

    `truth` (n, points, 2) is in pixels. Raises ProtofaceError naming a picture that cannot be read.
    """

    def read(index: int) -> Source | None:
        return make_source(view, read_picture(paths[index]), truth[index])

    sources, indices = [], []
    with ThreadPoolExecutor(workers) as pool, tqdm(total=len(paths), desc="read", disable=None) as bar:
        for index, source in enumerate(in_order(pool, read, range(len(paths)), 4 * workers)):
            bar.update()
            if source is not None:
                sources.append(source)
                indices.append(index)
    if not sources:
        raise ProtofaceError(f"stage '{name}': no face is large enough for its window")
    return sources, indices
