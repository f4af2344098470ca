"""The published experiment beside our measurements, each row with what differs.

Source of the published figures: the original experiment's article and README (March 2018). 1.17 % is
level 1 over the whole picture's diagonal; 2.16 % is level 2 over the *crop's* diagonal, on pictures of
level-1 errors below 10 %. An error of the whole cascade was not published.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from protoface.cascade.cascade import Cascade
from protoface.cascade.layouts import DEFAULT, find_layout
from protoface.cascade.measure.step_times import WHOLE, Row, crop_name
from protoface.cascade.metrics import image_diagonal, point_errors

from .datasets.dataset import Dataset
from .evaluation import Floats, Measured, evaluate_cascade

CELEBA_PICTURES = 202_599
#: Pictures with a larger level-1 error are not in the published figures of level 2.
KEPT_BELOW = 0.10
SPLIT = "split: the original's random 80/20 draw had no seed"


@dataclass(frozen=True)
class Published:
    """A published figure: its range or single value, and the unit with its normaliser."""

    figure: str
    low: float
    high: float
    unit: str

    @property
    def text(self) -> str:
        """As it was published."""
        same = f"{self.low:g}"
        return same if self.low == self.high else f"{same} - {self.high:g}"


def _one(figure: str, value: float, unit: str) -> Published:
    return Published(figure, value, value, unit)


PICTURE, CROP = "% of the picture's diagonal", "% of the crop's diagonal, level-1 error < 10 %"
TRAIN_1 = _one("level 1 train error", 1.01, PICTURE)
TEST_1 = _one("level 1 test error", 1.17, PICTURE)
TEST_2 = _one("level 2 test error", 2.16, CROP)
#: Mean errors of each point (layout celeba5) at level 1 and 2.
PER_POINT = {
    "left_eye": (1.06, 1.93),
    "right_eye": (1.05, 2.05),
    "nose": (1.27, 2.34),
    "left_mouth": (1.24, 2.22),
    "right_mouth": (1.24, 2.26),
}
POINTS_1 = tuple(
    _one(f"level 1 test error, {name}", value, PICTURE) for name, (value, _) in PER_POINT.items()
)
POINTS_2 = tuple(
    _one(f"level 2 test error, {name}", value, CROP) for name, (_, value) in PER_POINT.items()
)
LOSS_TRAIN = Published("level 1 train loss", 0.005, 0.006, "EuclideanLoss before loss_weight")
LOSS_TEST = Published("level 1 test loss", 0.007, 0.008, "EuclideanLoss before loss_weight")
SIZE = _one("size of a model", 956, "KB (1,024 bytes) as .caffemodel")
FORWARD = _one("one forward pass", 6, "ms a picture, batch 1")
NOT_PUBLISHED = "not published"


@dataclass(frozen=True)
class Comparison:
    """A row: published against measured. `measured` is None where `differs` says why there is none."""

    figure: str
    unit: str
    published: str
    measured: float | None
    differs: str

    def as_json(self) -> dict[str, Any]:
        """The row for the JSON file."""
        return {
            "figure": self.figure,
            "unit": self.unit,
            "published": None if self.published == NOT_PUBLISHED else self.published,
            "measured": self.measured,
            "differs": self.differs,
        }


def compare(
    cascade: Cascade,
    weights: Sequence[Path],
    data: Callable[[str], Dataset] | None,
    timings: Sequence[Row],
    hardware: str,
    progress: Callable[[Iterable[Any]], Iterable[Any]] = iter,
) -> list[Comparison]:
    """All rows. `data` gives the set of a partition (train, test), or is None without CelebA.

    `timings` are rows of the benchmark at batch 1, `hardware` what they were taken on.
    """
    rows: list[Comparison] = []
    if data is None:
        reason = "not comparable: needs CelebA (--celeba DIR)"
        figures = (TRAIN_1, TEST_1, *POINTS_1, TEST_2, *POINTS_2, LOSS_TRAIN, LOSS_TEST)
        rows += [_row(published, None, reason) for published in figures]
        rows.append(Comparison("cascade test error", PICTURE, NOT_PUBLISHED, None, reason))
    else:
        five = find_layout(DEFAULT)
        train, test = (
            evaluate_cascade(cascade, data(part).as_layout(five), progress).where_found()
            for part in ("train", "test")
        )
        rows += _errors(train, test)
    rows.append(
        _row(SIZE, float(np.mean([_bytes(path) for path in weights])) / 1024, "mean of the stages")
    )
    rows += _times(cascade, timings, hardware)
    return rows


def _row(published: Published, measured: float | None, differs: str) -> Comparison:
    return Comparison(published.figure, published.unit, published.text, measured, differs)


def _errors(train: Measured, test: Measured) -> Iterator[Comparison]:
    differs = _data_differs(train, test) + _stages_differ(test)
    first = [_level_1_errors(measured) for measured in (train, test)]
    yield _row(TRAIN_1, 100 * float(first[0].mean()), differs)
    yield _row(TEST_1, 100 * float(first[1].mean()), differs)
    for published, value in zip(POINTS_1, first[1].mean(axis=0), strict=True):
        yield _row(published, 100 * float(value), differs)
    second = _level_2_errors(test, first[1])
    if second is None:
        reason = "not comparable: this cascade has one level, or level 1 missed every picture"
        yield from (_row(published, None, reason) for published in (TEST_2, *POINTS_2))
    else:
        yield _row(TEST_2, 100 * float(second.mean()), differs)
        for published, value in zip(POINTS_2, second.mean(axis=0), strict=True):
            yield _row(published, 100 * float(value), differs)
    yield _row(LOSS_TRAIN, euclidean_loss(train), differs)
    yield _row(LOSS_TEST, euclidean_loss(test), differs)
    whole = test.summary("image_diagonal", len(test.levels) - 1)
    mean = None if whole is None else 100 * whole.mean
    yield Comparison("cascade test error", PICTURE, NOT_PUBLISHED, mean, differs)


def _data_differs(train: Measured, test: Measured) -> str:
    count = len(train.kept) + len(test.kept)
    where = train.dataset.name.split()[0]
    if count < CELEBA_PICTURES * 0.9:
        return f"data: {count:,} pictures of {where}, not CelebA's {CELEBA_PICTURES:,}; {SPLIT}"
    return SPLIT


def _level_1_errors(measured: Measured) -> Floats:
    """Errors (n, 5) of level 1 over the whole picture's diagonal."""
    points = measured.levels[_stage(measured, 1)]
    return point_errors(points, measured.truth) / image_diagonal(*measured.sizes.T)[:, None]


def _level_2_errors(measured: Measured, first: Floats) -> Floats | None:
    """Errors (n, 5) of level 2 over its crop's diagonal, where level 1 was better than 10 %."""
    if len(measured.levels) < 2:
        return None
    stage = _stage(measured, 2)
    diagonals = measured.crop_diagonals[stage]
    kept = (first.mean(axis=1) < KEPT_BELOW) & (diagonals > 0)
    errors = point_errors(measured.levels[stage], measured.truth)[kept]
    return errors / diagonals[kept, None] if kept.any() else None


def _stage(measured: Measured, level: int) -> int:
    """The number of the stage beside the original's level: the one of that name, else of that place."""
    name = f"level_{level}"
    return measured.names.index(name) if name in measured.names else level - 1


def _stages_differ(measured: Measured) -> str:
    """Which stages are beside the original's levels, where a cascade has others than the original."""
    if measured.names == ("level_1", "level_2"):
        return ""
    said = [
        f"level {level} is the stage '{measured.names[_stage(measured, level)]}'"
        for level in range(1, min(2, len(measured.names)) + 1)
    ]
    return f"; stages: {', '.join(said)} of {', '.join(measured.names)}"


def euclidean_loss(measured: Measured) -> float:
    """Level 1's loss before loss_weight: half the sum of squared differences, mean over pictures.

    Labels are [-1, 1] from the first to the last pixel. Source: Caffe, euclidean_loss_layer.cpp.
    """
    centre = np.maximum((measured.sizes - 1) / 2, 0.5)
    difference = (measured.levels[_stage(measured, 1)] - measured.truth) / centre[:, None]
    return float((difference**2).sum(axis=(1, 2)).mean() / 2)


def _bytes(path: Path) -> int:
    return path.stat().st_size


def _times(cascade: Cascade, timings: Sequence[Row], hardware: str) -> Iterator[Comparison]:
    p50 = {row.stage: row.p50_ms for row in timings}
    forward = float(np.mean([p50[stage.name] for stage in cascade.stages]))
    differs = f"hardware: {hardware}, backend {cascade.backend}; published: GTX 1080, unoptimised Caffe"
    yield _row(FORWARD, forward, differs)
    rest = " and ".join(crop_name(number) for number in range(len(cascade.stages)))
    unit = f"ms a picture, batch 1, {rest} included"
    yield Comparison("whole cascade", unit, NOT_PUBLISHED, p50[WHOLE], differs)


def as_text(rows: Sequence[Comparison]) -> str:
    """The table as text, columns aligned, what differs as numbered notes below it."""
    cells, notes = _cells(rows)
    widths = [max(len(row[column]) for row in cells) for column in range(len(HEADS))]
    lines = [
        "  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in cells
    ]
    return "\n".join([*lines, "", *notes])


def as_markdown(rows: Sequence[Comparison]) -> str:
    """The table as markdown, what differs as numbered notes below it."""
    (head, *cells), notes = _cells(rows)
    lines = [f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *cells)]
    return "\n".join([*lines, "", *(f"{note}  " for note in notes)])


HEADS = ("figure", "published", "measured", "unit", "note")


def _cells(rows: Sequence[Comparison]) -> tuple[list[Sequence[str]], list[str]]:
    numbers = {
        text: str(number) for number, text in enumerate(dict.fromkeys(row.differs for row in rows), 1)
    }
    cells: list[Sequence[str]] = [HEADS]
    for row in rows:
        measured = "-" if row.measured is None else f"{row.measured:.4g}"
        cells.append((row.figure, row.published, measured, row.unit, numbers[row.differs]))
    return cells, [f"({number}) {text}" for text, number in numbers.items()]
