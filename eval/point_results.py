"""Cascades and other finders measured on a set with points."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from protoface.cascade.cascade import Cascade

from .datasets.dataset import Dataset
from .evaluation import Measured, as_json, evaluate_cascade
from .finders import Finder, Progress
from .groups import groups
from .measurement import Measurement, first, setting
from .peers import evaluate_peer
from .report import HEADS, group_row, main_normaliser, peer_row, summary_rows, write_report
from .summary import NORMALISERS

CONVENTIONS = "(finders define their points differently: small differences do not rank them)"
WIDTHS = (15, 7, 7, 7, 7, 7, 7, 16, 9, 7)


@dataclass(frozen=True, eq=False)
class PointResults(Measurement):
    """The first cascade's figures, those of other `models` and of `peers` by name."""

    measured: Measured
    setting: str
    models: Mapping[str, Measured]
    peers: Mapping[str, Measured]

    @property
    def skipped(self) -> tuple[str, ...]:
        """A line for each picture that could not be measured."""
        return self.measured.skipped

    def lines(self) -> Iterator[str]:
        """The first cascade's figures in full, then the others'."""
        measured = self.measured
        yield (
            f"{self.setting}: {measured.dataset.name}, {len(measured.kept)} measured, "
            f"{len(measured.skipped)} skipped; errors in % of the normaliser"
        )
        normaliser = main_normaliser(measured)
        n, missed, mean, median, failures, ms = peer_row(measured, normaliser)
        said = f", face not found in {missed}" if measured.not_found else ""
        yield (
            f"mean error {mean} % of {normaliser} after {measured.names[-1]}, median {median} %, "
            f"failures {failures} %, n {n}{said}, {ms} ms per picture"
        )
        yield from self._table()
        for group in groups(measured):
            n, mean, median, failures = group_row(group)
            figures = f"mean {mean} %, median {median} %, failures {failures} %"
            yield f"{group}: n {n}, of inter_ocular {figures}"
        for name, found in {**self.models, **self.peers}.items():
            n, missed, mean, median, failures, ms = peer_row(found)
            yield (
                f"{name}: n {n}, not found {missed}; of inter_ocular mean {mean} %, median {median} %, "
                f"failures {failures} %; {ms} ms per picture"
            )
        if self.peers:
            yield CONVENTIONS

    def _table(self) -> Iterator[str]:
        names = self.measured.names
        widths = (max(9, 2 + max(map(len, names))), *WIDTHS)
        rows = [
            row for level, name in enumerate(names) for row in summary_rows(name, self.measured, level)
        ]
        for row in (HEADS, *rows):
            yield "".join(f"{cell:>{width}}" for cell, width in zip(row, widths, strict=True))

    def json(self) -> dict[str, Any]:
        """The figures by the keys of docs/evaluation.md."""
        measured = self.measured
        return {
            **as_json(measured, NORMALISERS),
            "data": measured.dataset.name,
            "setting": self.setting,
            "stages": list(measured.names),
            "groups": [asdict(group) for group in groups(measured)],
            "ms_per_picture": measured.milliseconds,
            "models": {name: _beside(found) for name, found in self.models.items()},
            "peers": {name: _beside(found) for name, found in self.peers.items()},
        }

    def write_report(self, path: Path, command: str) -> None:
        """Write the page."""
        others = {**self.models, **self.peers}
        write_report(path, self.measured, self.setting, command, others)


def _beside(found: Measured) -> dict[str, Any]:
    return {
        "seconds": found.seconds,
        "ms_per_picture": found.milliseconds,
        **as_json(found, NORMALISERS),
    }


def measure_points(
    dataset: Dataset,
    cascades: Mapping[str, Cascade],
    peers: Mapping[str, Finder],
    progress: Progress = iter,
) -> PointResults:
    """Measure all of them on the faces of a set, one after the other."""
    measured = {name: evaluate_cascade(one, dataset, progress) for name, one in cascades.items()}
    (name, cascade), layout = first(cascades), measured[first(cascades)[0]].layout
    said = setting(cascade)
    if not (layout.same_points(dataset.layout) and layout.same_points(cascade.layout)):
        said += f", points compared as {layout.name}"
    return PointResults(
        measured.pop(name),
        said,
        measured,
        {name: evaluate_peer(finder, dataset, progress) for name, finder in peers.items()},
    )
