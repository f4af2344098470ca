"""Cascades and other finders measured on pictures whose faces have boxes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from protoface.cascade.cascade import Cascade

from .average_precision import RATE
from .datasets.box_set import BoxSet
from .detection import Detected, detection_json, evaluate_boxes
from .detection_report import HEADS, size_row, write_detection_report
from .finders import Finder, Progress, cascade_finder
from .matching import IOU
from .measurement import Measurement, first, setting


@dataclass(frozen=True, eq=False)
class BoxResults(Measurement):
    """The first cascade's figures, called `name`, those of other `models` and of `peers` by name."""

    name: str
    detected: Detected
    setting: str
    models: Mapping[str, Detected]
    peers: Mapping[str, Detected]

    @property
    def skipped(self) -> tuple[str, ...]:
        """A line for each picture that could not be measured."""
        return self.detected.skipped

    @property
    def finders(self) -> dict[str, Detected]:
        """All of them by name, the first cascade first."""
        return {self.name: self.detected, **self.models, **self.peers}

    def lines(self) -> Iterator[str]:
        """The first cascade's figures in full, then the others'."""
        found, data = self.detected, self.detected.dataset
        yield (
            f"{self.setting}: {data.name}, {len(found.kept)} measured, {len(found.skipped)} skipped; "
            f"{data.faces} faces, {data.ignored_faces} of them ignored"
        )
        if not data.faces:
            yield "the set lists no faces: everything that is found counts as a false alarm"
        for name, one in self.finders.items():
            yield from _lines(name, one)

    def json(self) -> dict[str, Any]:
        """The figures by the keys of docs/evaluation.md."""
        data = self.detected.dataset
        return {
            **detection_json(self.detected),
            "data": data.name,
            "setting": self.setting,
            "models": {name: detection_json(found) for name, found in self.models.items()},
            "peers": {name: detection_json(found) for name, found in self.peers.items()},
        }

    def write_report(self, path: Path, command: str) -> None:
        """Write the page."""
        write_detection_report(path, self.finders, self.setting, command)


def _lines(name: str, found: Detected) -> Iterator[str]:
    """A finder's figures: a line of its false alarms, and a table by size of the faces."""
    all_found = found.operating()
    low, high = all_found.clean_ci95
    yield (
        f"{name}: {sum(map(len, found.scores))} found in {len(found.kept)} pictures, "
        f"{all_found.false_alarms_per_picture:.3f} false alarms a picture, none in "
        f"{100 * all_found.clean:.1f} % of the pictures ({100 * low:.1f} - {100 * high:.1f}), "
        f"{found.milliseconds:.2f} ms per picture"
    )
    if found.faces:
        at = f"recall at {RATE:g} false alarms a picture and of all found"
        yield f"  in %; AP at an overlap of {IOU:g}, {at}"
        widths = (14, 7, 7, 16, 9, 16, 15, 18)
        for row in (HEADS, *map(size_row, found.sizes.values())):
            yield "".join(f"{cell:>{width}}" for cell, width in zip(row, widths, strict=True))


def measure_boxes(
    dataset: BoxSet,
    cascades: Mapping[str, Cascade],
    peers: Mapping[str, Finder],
    progress: Progress = iter,
) -> BoxResults:
    """Measure all of them on the pictures of a set, one after the other."""
    name, cascade = first(cascades)
    models = {
        name: evaluate_boxes(cascade_finder(one), dataset, progress) for name, one in cascades.items()
    }
    return BoxResults(
        name,
        models.pop(name),
        setting(cascade),
        models,
        {name: evaluate_boxes(finder, dataset, progress) for name, finder in peers.items()},
    )
