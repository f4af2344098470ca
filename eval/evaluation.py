"""Measures a cascade, or any other finder of points, on an annotated set."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from protoface.cascade.cascade import Cascade
from protoface.cascade.face import Face
from protoface.cascade.layouts import Layout, common_layout
from protoface.cascade.metrics import image_diagonal, point_errors
from protoface.converters.errors import ProtofaceError

from .datasets.dataset import Dataset
from .finders import Finder, Progress, Run, cascade_finder, converting
from .one_face import annotated_face
from .summary import Summary, summarise

Floats = NDArray[np.float64]
#: The key of the last stage's figures, which are the cascade's, beside that of its name.
RESULT = "cascade"
#: The other keys of `protoface eval --json`.
KEYS = (
    "n", "skipped", "not_found", "stages", "data", "setting", "groups", "ms_per_picture", "models",
    "peers", "command", "machine", "versions",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Measured:
    """Per-picture results of a set, in its order, for the pictures that could be read.

    `levels[k]` (n, points, 2) are the points after stage k, called `names[k]`, `truth` the true ones,
    all in pixels and in the order of `layout`; infinite where the face was not found, which makes its
    error infinite too. `sizes` (n, 2) are widths and heights. `crop_diagonals[k]` (n) is NaN for a
    finder without windows; for a face that was not found it is the picture's diagonal. `skipped` says,
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
        """Time of finding for each picture."""
        return 1000 * self.seconds / len(self.kept)

    @property
    def found(self) -> NDArray[np.bool_]:
        """In which pictures (n) the face was found."""
        return np.asarray(np.isfinite(self.levels[-1]).all(axis=(1, 2)))

    @property
    def not_found(self) -> int:
        """In how many pictures it was not: they count as failures."""
        return int((~self.found).sum())

    def where_found(self) -> Measured:
        """The same for the pictures alone in which the face was found."""
        there = self.found
        return replace(
            self,
            kept=self.kept[there],
            levels=tuple(level[there] for level in self.levels),
            sizes=self.sizes[there],
            crop_diagonals=tuple(lengths[there] for lengths in self.crop_diagonals),
        )

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
        """NME (n) of a level; NaN where the normaliser is 0 or missing, infinite without a face."""
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


def evaluate(
    finder: Finder,
    dataset: Dataset,
    progress: Progress = iter,
    names: Sequence[str] = (),
) -> Measured:
    """Run a finder over a set. Memory does not grow with the set but for a few numbers a picture.

    Of several faces in a picture `annotated_face` says which one is measured. `names` are those of the
    finder's stages; without them, those of `level_names`; stages that find no points are left out.
    Pictures that cannot be read are listed in `Measured.skipped`. Raises ProtofaceError if not one
    could be read, and for points that are not those of the set's layout.
    """
    run = Run(finder, dataset, progress)
    found: list[Face | None] = []
    kept: list[int] = []
    sizes: list[tuple[int, int]] = []
    for index, size, faces in run:
        box = None if dataset.boxes is None else dataset.boxes[index]
        found.append(annotated_face(faces, dataset.truth[index], box))
        kept.append(index)
        sizes.append(size)
    if not kept:
        raise ProtofaceError(f"{dataset.name}: no picture could be measured ({run.skipped[:1]})")
    stages = _with_points(found, dataset)
    diagonals = image_diagonal(*np.array(sizes).T)
    return Measured(
        dataset=dataset,
        kept=np.array(kept),
        levels=tuple(_level(found, stage, len(dataset.layout)) for stage in stages),
        sizes=np.array(sizes),
        crop_diagonals=tuple(_crop_diagonals(found, stage, diagonals) for stage in stages),
        skipped=tuple(run.skipped),
        seconds=run.seconds,
        names=tuple(names[stage] for stage in stages) if names else tuple(level_names(len(stages))),
    )


def _with_points(found: Sequence[Face | None], dataset: Dataset) -> list[int]:
    """Which stages find points; only the last one where no face was found."""
    first = next((face for face in found if face is not None), None)
    if first is None:
        return [-1]
    counts = [len(points) for points in first.stages]
    if not counts or counts[-1] != len(dataset.layout):
        raise ProtofaceError(
            f"{dataset.name}: the finder answers with {counts[-1] if counts else 0} points, the layout "
            f"{dataset.layout.name} has {len(dataset.layout)}; measure a finder of boxes alone on a "
            "set with boxes"
        )
    return [stage for stage, count in enumerate(counts) if count]


def _level(found: Sequence[Face | None], stage: int, count: int) -> Floats:
    """The points (n, count, 2) after a stage; infinite where no face was found."""
    missing = np.full((count, 2), np.inf)
    return np.array([missing if face is None else face.stages[stage] for face in found], np.float64)


def _crop_diagonals(found: Sequence[Face | None], stage: int, pictures: Floats) -> Floats:
    """The diagonal (n) of what a stage looked at; without a face that of the picture (n).

    All are NaN for a finder without windows.
    """
    if any(face is not None and not face.windows for face in found):
        return np.full(len(found), np.nan)
    windows = [None if face is None else face.windows[stage] for face in found]
    return np.array(
        [
            whole if window is None else math.hypot(window.width, window.height)
            for window, whole in zip(windows, pictures.tolist(), strict=True)
        ]
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


def as_json(measured: Measured, normalisers: Iterable[str]) -> dict[str, Any]:
    """`n`, `skipped`, `not_found`, for each stage by its name `nme.<normaliser>`; RESULT is the last.

    Raises ProtofaceError where a stage is called as one of KEYS, or as another stage.
    """
    check_names(measured.names)
    stages = {
        name: {
            "nme": {
                normaliser: without_nan(asdict(summary))
                for normaliser in normalisers
                if (summary := measured.summary(normaliser, level)) is not None
            }
        }
        for level, name in enumerate(measured.names)
    }
    last = stages[measured.names[-1]]
    return {
        "n": len(measured.kept),
        "skipped": len(measured.skipped),
        "not_found": measured.not_found,
        **stages,
        RESULT: last,
    }


def without_nan(value: Any) -> Any:
    """The same with None for each NaN, which JSON has not: a mean of nothing."""
    if isinstance(value, dict):
        return {key: without_nan(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [without_nan(each) for each in value]
    return None if isinstance(value, float) and math.isnan(value) else value


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
