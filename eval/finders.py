"""What finds faces in pictures, ours or others, and running it over an annotated set."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from protoface.cascade.cascade import Cascade
from protoface.cascade.face import Face
from protoface.cascade.layouts import Layout
from protoface.cascade.parallel import chunks, in_order
from protoface.cascade.pictures import read_picture
from protoface.cascade.windows.window import Image, Points
from protoface.converters.errors import ProtofaceError

from .datasets.picture_set import PictureSet

BATCH = 32
#: Decoding takes longer than finding the points, and OpenCV lets other threads run meanwhile.
DECODERS = 2

#: Pictures (H x W x 3 uint8 BGR) in, the faces of each out: none, one or many.
Finder = Callable[[Sequence[Image]], Sequence[Sequence[Face]]]
#: Passes on what it is given, and may show how far that has come.
Progress = Callable[[Iterable[Any]], Iterable[Any]]


def cascade_finder(cascade: Cascade) -> Finder:
    """A cascade as a finder."""

    def find(images: Sequence[Image]) -> Sequence[Sequence[Face]]:
        return cascade.detect_batch(images)

    return find


def converting(finder: Finder, layout: Layout, to: Layout) -> Finder:
    """A finder whose points, in `layout`, are given in the layout `to`."""

    def points(found: Points) -> Points:
        return layout.convert(found, to) if len(found) else found  # type: ignore[return-value]

    def face(found: Face) -> Face:
        return replace(found, points=points(found.points), stages=tuple(map(points, found.stages)))

    return lambda images: [[face(one) for one in faces] for faces in finder(images)]


class Looked(NamedTuple):
    """A picture that a finder has looked at: its number in the set, (width, height), its faces."""

    number: int
    size: tuple[int, int]
    faces: Sequence[Face]


class Run:
    """A finder on its way over a set: iterating gives each picture that can be read, in order.

    `skipped` says, a line each, what was left out; `seconds` is the time of finding alone, without
    decoding.
    """

    def __init__(self, finder: Finder, pictures: PictureSet, progress: Progress = iter) -> None:
        self.finder, self.pictures, self.progress = finder, pictures, progress
        self.skipped = list(pictures.skipped)
        self.seconds = 0.0

    def __iter__(self) -> Iterator[Looked]:
        indices = self.progress(range(len(self.pictures)))
        for batch, images, errors in _batches(indices, self.pictures.paths):
            self.skipped += errors
            start = time.perf_counter()
            answers = self.finder(images)
            self.seconds += time.perf_counter() - start
            for index, image, faces in zip(batch, images, answers, strict=True):
                yield Looked(index, (image.shape[1], image.shape[0]), faces)


def _batches(
    indices: Iterable[int], paths: Sequence[Path]
) -> Iterator[tuple[list[int], list[Image], list[str]]]:
    """Decoded pictures in batches, with a line for each that could not be read; two batches ahead."""

    def read(index: int) -> tuple[int, Image | None, str]:
        try:
            return index, read_picture(paths[index]), ""
        except ProtofaceError as error:
            return index, None, str(error)

    with ThreadPoolExecutor(DECODERS) as pool:
        for batch in chunks(in_order(pool, read, indices, 2 * BATCH), BATCH):
            there = [(index, image) for index, image, _ in batch if image is not None]
            errors = [error for _, image, error in batch if image is None]
            yield [index for index, _ in there], [image for _, image in there], errors
