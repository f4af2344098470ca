"""Measures a cascade, or any other finder of points, on an annotated set."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from protoface.cascade.cascade import Cascade
from protoface.cascade.face import Face
from protoface.cascade.layouts import Layout, common_layout
from protoface.cascade.metrics import image_diagonal, point_errors
from protoface.cascade.parallel import chunks, in_order
from protoface.cascade.pictures import read_picture
from protoface.cascade.windows.window import Image
from protoface.converters.errors import ProtofaceError

from .datasets.dataset import Dataset
from .summary import Summary, summarise

Floats = NDArray[np.float64]
BATCH = 32
#: Decoding takes longer than finding the points, and OpenCV lets other threads run meanwhile.
DECODERS = 2
NOT_FOUND = "no face found"
#: The key of the last stage's figures, which are the cascade's, beside that of its name.
RESULT = "cascade"
#: The other keys of `protoface eval --json`.
KEYS = (
    "n", "skipped", "stages", "data", "setting", "groups", "ms_per_picture", "peers", "command",
    "machine", "versions",
)  # fmt: skip


@dataclass(frozen=True)
class Found:
    """What a finder says of one picture: points (n, 2) per level, and each level's window diagonal."""

    levels: tuple[Floats, ...]
    crop_diagonals: tuple[float, ...]


#: Pictures (H x W x 3 uint8 BGR) in, one Found each out, with the points of the set that it is measured
#: on; None where no face was found.
Finder = Callable[[Sequence[Image]], Sequence[Found | None]]
#: Passes on what it is given, and may show how far that has come.
Progress = Callable[[Iterable[Any]], Iterable[Any]]


@dataclass(frozen=True, eq=False)
class Measured:
    """Per-picture results of a set, in its order, for the pictures that were measured.

    `levels[k]` (n, points, 2) are the points after stage k, called `names[k]`, `truth` the true ones,
    all in pixels and in the order of `layout`. `sizes` (n, 2) are widths and heights. `skipped` says,
    a line each, what was left out. `seconds` is the time of finding alone, without decoding.
    """

    dataset: Dataset
    kept: NDArray[np.int64]
    levels: tuple[Floats, ...]
    sizes: NDArray[np.int64]
    crop_diagonals: tuple[Floats, ...]
    skipped: tuple[str, ...]
    seconds: float
    names: tuple[str, ...]

    @property
    def milliseconds(self) -> float:
        """Time of finding for each picture that was looked at, found or not."""
        missed = sum(line.endswith(f": {NOT_FOUND}") for line in self.skipped)
        return 1000 * self.seconds / (len(self.kept) + missed)

    @property
    def layout(self) -> Layout:
        """Which points were measured."""
        return self.dataset.layout

    @property
    def truth(self) -> Floats:
        """True points (n, points, 2) of the measured pictures."""
        return self.dataset.truth[self.kept]

    def lengths(self, normaliser: str, level: int) -> Floats | None:
        """Length (n) in pixels of a normaliser; None where the set has no boxes or no such distance."""
        data = self.dataset
        if normaliser == "image_diagonal":
            return image_diagonal(*self.sizes.T)
        if normaliser == "crop_diagonal":
            return self.crop_diagonals[level]
        if normaliser == "box":
            return None if data.boxes is None else np.sqrt(data.boxes[self.kept, 2:].prod(axis=1))
        lengths = data.distance(normaliser)
        return None if lengths is None else lengths[self.kept]

    def errors(self, normaliser: str, level: int) -> Floats:
        """NME (n) of a level; NaN where the normaliser is 0 or missing."""
        lengths = self.lengths(normaliser, level)
        if lengths is None:
            return np.full(len(self.kept), np.nan)
        distances = point_errors(self.levels[level], self.truth).mean(axis=1)
        relative: Floats = np.full_like(distances, np.nan)
        np.divide(distances, lengths, out=relative, where=lengths > 0)
        return relative

    def summary(self, normaliser: str, level: int) -> Summary | None:
        """Summary of a level's errors; None where the normaliser cannot be had."""
        lengths = self.lengths(normaliser, level)
        if lengths is None:
            return None
        return summarise(point_errors(self.levels[level], self.truth), lengths)


def cascade_finder(cascade: Cascade) -> Finder:
    """A cascade as a finder: the first face of each picture, level by level."""

    def find(images: Sequence[Image]) -> list[Found | None]:
        return found_in(cascade.detect_batch(images))

    return find


def converting(finder: Finder, layout: Layout, to: Layout) -> Finder:
    """A finder whose answers in `layout` are given in the layout `to`."""

    def find(images: Sequence[Image]) -> list[Found | None]:
        return [
            found and replace(found, levels=tuple(layout.convert(p, to) for p in found.levels))
            for found in finder(images)
        ]

    return find


def found_in(faces: Sequence[Sequence[Face]]) -> list[Found | None]:
    """The first face of each picture, as a finder answers."""
    return [
        Found(
            tuple(points.astype(np.float64) for points in found[0].stages),
            tuple(float(np.hypot(window.width, window.height)) for window in found[0].windows),
        )
        if found
        else None
        for found in faces
    ]


def evaluate(
    finder: Finder,
    dataset: Dataset,
    progress: Progress = iter,
    names: Sequence[str] = (),
) -> Measured:
    """Run a finder over a set. Memory does not grow with the set but for a few numbers a picture.

    `names` are those of its stages; without them, those of `level_names`. Pictures that cannot be read,
    or in which no face is found, are listed in `Measured.skipped`. Raises ProtofaceError if not one
    could be measured.
    """
    found: list[Found] = []
    kept: list[int] = []
    sizes: list[tuple[int, int]] = []
    skipped = list(dataset.skipped)
    seconds = 0.0
    for indices, images, errors in _batches(progress(range(len(dataset))), dataset.paths):
        skipped += errors
        start = time.perf_counter()
        answers = finder(images)
        seconds += time.perf_counter() - start
        for index, image, answer in zip(indices, images, answers, strict=True):
            if answer is None:
                skipped.append(f"{dataset.paths[index]}: {NOT_FOUND}")
                continue
            kept.append(index)
            found.append(answer)
            sizes.append((image.shape[1], image.shape[0]))
    if not found:
        raise ProtofaceError(f"{dataset.name}: no picture could be measured ({skipped[:1]})")
    return Measured(
        dataset=dataset,
        kept=np.array(kept),
        levels=tuple(np.array(level) for level in zip(*(f.levels for f in found), strict=True)),
        sizes=np.array(sizes),
        crop_diagonals=tuple(
            np.array(level) for level in zip(*(f.crop_diagonals for f in found), strict=True)
        ),
        skipped=tuple(skipped),
        seconds=seconds,
        names=tuple(names or level_names(len(found[0].levels))),
    )


def evaluate_cascade(
    cascade: Cascade, dataset: Dataset, progress: Progress = iter, finder: Finder | None = None
) -> Measured:
    """`evaluate` for a cascade, on the points that it and the set have in common.

    If their layouts differ, the truth or the answers are converted (see `common_layout`); lengths are
    always those of the set's own layout. `finder` runs the cascade in place of `cascade_finder`.
    Raises ProtofaceError if there is no conversion.
    """
    layout = common_layout(cascade.layout, dataset.layout)
    answers = converting(finder or cascade_finder(cascade), cascade.layout, layout)
    names = [stage.name for stage in cascade.stages]
    return evaluate(answers, dataset.as_layout(layout), progress, names)


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


def as_json(measured: Measured, normalisers: Iterable[str]) -> dict[str, Any]:
    """`n`, `skipped`, and for each stage by its name `nme.<normaliser>`, a Summary; RESULT is the last.

    Raises ProtofaceError where a stage is called as one of KEYS, or as another stage.
    """
    check_names(measured.names)
    stages = {
        name: {
            "nme": {
                normaliser: asdict(summary)
                for normaliser in normalisers
                if (summary := measured.summary(normaliser, level)) is not None
            }
        }
        for level, name in enumerate(measured.names)
    }
    last = stages[measured.names[-1]]
    return {"n": len(measured.kept), "skipped": len(measured.skipped), **stages, RESULT: last}


def check_names(names: Sequence[str]) -> None:
    """Raise ProtofaceError where results by the names of the stages would be ambiguous."""
    for number, name in enumerate(names):
        wrong = name in KEYS or name in names[:number] or (name == RESULT and name != names[-1])
        if wrong:
            raise ProtofaceError(
                f"stage '{name}': the results have a key of that name already; give the stage another "
                "name in cascade.prototxt"
            )


def level_names(count: int) -> list[str]:
    """Names for the stages of a finder without any: `level_1`, `level_2` ..., and RESULT, the last."""
    return [*(f"level_{number}" for number in range(1, count)), RESULT]
