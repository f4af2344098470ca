"""One self-contained HTML page of a measurement: the answer, faces, groups, and the rest folded up."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from protoface.converters.files import write_text

from .chart_style import finder_looks, stage_looks
from .evaluation import Measured
from .groups import Group, groups
from .page import encoded, percent, render
from .plots import (
    MANY,
    Curve,
    ced_curves,
    error_histogram,
    face_tile,
    part_bars,
    point_bars,
    stage_curves,
)
from .summary import NORMALISERS

FACES = 12
#: The normalisers that the answer is given in: the first one that the set allows.
PREFERRED = ("inter_ocular", "inter_pupil", "box", "image_diagonal")
#: The largest error that a CED shows.
LIMITS = {"image_diagonal": 0.05, "box": 0.15}
LIMIT = 0.3


def write_report(
    path: str | os.PathLike[str],
    measured: Measured,
    setting: str,
    command: str,
    peers: Mapping[str, Measured],
) -> None:
    """Write the page: the answer, worst and random faces, groups; stages and normalisers folded up.

    `setting` says in a sentence what ran; `peers` are other finders on the same pictures, by name.
    """
    normaliser = main_normaliser(measured)
    looks = stage_looks(len(measured.names))
    page = render(
        "report.html",
        title=f"protoface eval: {measured.dataset.name}",
        n=len(measured.kept),
        skipped=measured.skipped,
        setting=setting,
        answer=list(answer(measured, normaliser)),
        ced=encoded(f"CED over {normaliser}", _result_ced(measured, normaliser, peers)),
        sheets=list(_sheets(measured, normaliser)),
        stages=list(zip(measured.names, looks, strict=True)),
        groups=_groups(measured, normaliser),
        finders=_peers(measured, peers, normaliser) if peers else None,
        details=list(_details(measured, normaliser)),
        normalisers=NORMALISERS,
        normaliser=normaliser,
        command=command,
    )
    write_text(path, page)


def main_normaliser(measured: Measured) -> str:
    """The normaliser of PREFERRED that the answer is given in."""
    last = len(measured.names) - 1
    usable = (name for name in PREFERRED if measured.summary(name, last) is not None)
    return next(usable, PREFERRED[-1])


def answer(measured: Measured, normaliser: str) -> Iterable[tuple[str, str, str]]:
    """What the page opens with: a figure, what it is, and what belongs to it."""
    summary = measured.summary(normaliser, len(measured.names) - 1)
    if summary is not None:
        low, high = map(percent, summary.ci95)
        yield (
            f"{percent(summary.mean)} %",
            f"mean error / {normaliser}",
            f"95 % interval {low} to {high} %, median {percent(summary.median)} %",
        )
        said = f", {summary.excluded} without {normaliser} left out" if summary.excluded else ""
        missed = f", {summary.not_found} not found" if summary.not_found else ""
        yield f"{percent(summary.failure_rate)} %", "failures", f"error above 10 %{missed}{said}"
    said = f"{len(measured.skipped)} skipped" if measured.skipped else "none skipped"
    yield f"{len(measured.kept):,}", "pictures (n)", said
    yield f"{measured.milliseconds:.2f} ms", "per picture", "without reading and decoding it"


def summary_rows(name: str, measured: Measured, level: int) -> Iterable[list[str]]:
    """A row of figures, in percent, for every normaliser that the set allows."""
    for normaliser in NORMALISERS:
        found = measured.summary(normaliser, level)
        if found is not None:
            figures = (found.mean, found.median, found.p90, found.p95, found.p99)
            yield [
                name,
                normaliser,
                str(found.n),
                *map(percent, figures),
                " - ".join(map(percent, found.ci95)),
                percent(found.failure_rate),
                percent(found.auc),
            ]


HEADS = ["stage", "normaliser", "n", "mean", "median", "P90", "P95", "P99", "CI", "failures", "AUC"]


def group_row(group: Group) -> list[str]:
    """n, mean, median, failure rate of a group, in percent."""
    summary = group.summary
    return [str(summary.n), *map(percent, (summary.mean, summary.median, summary.failure_rate))]


def _groups(measured: Measured, normaliser: str) -> dict[str, Any]:
    rows = [[str(group), *group_row(group)] for group in groups(measured, normaliser)]
    said = ", and what the set says of its faces" if measured.dataset.attributes else ""
    caption = f"Pose and size{said}: errors of {measured.names[-1]}, % of {normaliser}"
    return {"caption": caption, "heads": ["faces", "n", "mean", "median", "failures"], "rows": rows}


def _peers(measured: Measured, peers: Mapping[str, Measured], normaliser: str) -> dict[str, Any]:
    finders = {"protoface": measured, **peers}
    rows = [[name, *peer_row(found, normaliser)] for name, found in finders.items()]
    heads = ["finder", "n", "not found", "mean", "median", "failures", "ms per picture"]
    caption = f"Finders on the same pictures, % of {normaliser}"
    return {"caption": caption, "heads": heads, "rows": rows}


def peer_row(found: Measured, normaliser: str = "inter_ocular") -> list[str]:
    """n, pictures without the face, mean, median, failures in % of `normaliser`, ms per picture."""
    summary = found.summary(normaliser, len(found.levels) - 1)
    figures = (
        ["-"] * 3
        if summary is None
        else [percent(summary.mean), percent(summary.median), percent(summary.failure_rate)]
    )
    return [str(len(found.kept)), str(found.not_found), *figures, f"{found.milliseconds:.2f}"]


def _details(measured: Measured, normaliser: str) -> Iterable[dict[str, Any]]:
    """What is folded up: a title, tables and charts each."""
    yield {
        "title": "Every stage, every normaliser",
        "tables": [_summaries(measured)],
        "plots": [
            plot
            for name in dict.fromkeys((normaliser, "image_diagonal"))
            for plot in _stage_plots(measured, name)
        ],
    }
    if any(measured.summary(normaliser, level) for level in range(len(measured.names))):
        many = len(measured.layout) > MANY
        tables = [_parts(measured, normaliser)] if many else []
        yield {
            "title": "Every point",
            "tables": [*tables, _points(measured, normaliser)],
            "plots": [_point_plot(measured, normaliser)],
        }


def _summaries(measured: Measured) -> dict[str, Any]:
    rows = [
        row for level, name in enumerate(measured.names) for row in summary_rows(name, measured, level)
    ]
    return {"caption": "Errors, % of the normaliser", "heads": HEADS, "rows": rows}


def _per_point(measured: Measured, normaliser: str) -> dict[str, NDArray[np.float64]]:
    """Stage -> the mean error (points) of each point."""
    found = {name: measured.summary(normaliser, level) for level, name in enumerate(measured.names)}
    return {name: np.array(summary.per_point) for name, summary in found.items() if summary}


def _parts(measured: Measured, normaliser: str) -> dict[str, Any]:
    parts = measured.layout.parts
    rows = [
        [name, *(percent(errors[list(points)].mean()) for points in parts.values())]
        for name, errors in _per_point(measured, normaliser).items()
    ]
    heads = ["stage", *(f"{part} ({len(points)})" for part, points in parts.items())]
    caption = f"Mean error of the points of each part of the face, % of {normaliser}"
    return {"caption": caption, "heads": heads, "rows": rows}


def _points(measured: Measured, normaliser: str) -> dict[str, Any]:
    """A row for each stage; of many points a row for each point."""
    errors, names = _per_point(measured, normaliser), measured.layout.points
    rows = [[name, *map(percent, row)] for name, row in errors.items()]
    table = {"caption": f"Mean error of each point, % of {normaliser}", "heads": ["stage", *names]}
    if len(names) <= MANY:
        return {**table, "rows": rows}
    turned = zip(["point", *names], *rows, strict=True)
    heads, *points = ([str(cell) for cell in row] for row in turned)
    numbered = [[f"{number} {row[0]}", *row[1:]] for number, row in enumerate(points)]
    return {**table, "heads": heads, "rows": numbered}


def _result_ced(measured: Measured, normaliser: str, peers: Mapping[str, Measured]) -> bytes:
    """The last stage's CED, which is the cascade's, and those of other finders."""
    others = [
        Curve(name, found.errors(normaliser, len(found.levels) - 1), look)
        for (name, found), look in zip(peers.items(), finder_looks(len(peers)), strict=True)
    ]
    curves = [stage_curves(measured, normaliser)[-1], *others]
    return ced_curves(curves, normaliser, LIMITS.get(normaliser, LIMIT))


def _stage_plots(measured: Measured, normaliser: str) -> Iterable[dict[str, str]]:
    curves, limit = stage_curves(measured, normaliser), LIMITS.get(normaliser, LIMIT)
    yield encoded(f"CED of each stage over {normaliser}", ced_curves(curves, normaliser, limit))
    yield encoded(f"Errors over {normaliser}", error_histogram(measured, normaliser))


def _point_plot(measured: Measured, normaliser: str) -> dict[str, str]:
    few = len(measured.layout) <= MANY
    image = encoded("Error of each point", (point_bars if few else part_bars)(measured, normaliser))
    return image if len(measured.layout) <= MANY // 2 else {**image, "wide": "yes"}


def _sheets(measured: Measured, normaliser: str) -> Iterable[dict[str, Any]]:
    errors = measured.errors(normaliser, len(measured.names) - 1)
    worst = np.argsort(np.where(np.isfinite(errors), errors, -1))[::-1][:FACES]
    chosen = np.random.default_rng(0).permutation(len(errors))[:FACES]
    yield _sheet("Worst faces", "The largest errors first.", measured, errors, worst.tolist())
    missed = np.flatnonzero(~measured.found)
    if len(missed):
        note = f"The first of {len(missed)}. They count as failures and are in no mean."
        yield _sheet("Faces not found", note, measured, errors, missed[:FACES].tolist())
    yield _sheet("Random faces", "Drawn with seed 0.", measured, errors, chosen.tolist())


def _sheet(
    title: str, note: str, measured: Measured, errors: NDArray[np.float64], rows: Sequence[int]
) -> dict[str, Any]:
    faces = [
        {
            **encoded(measured.dataset.paths[measured.kept[row]].name, face_tile(measured, row)),
            "error": _error(errors[row]),
        }
        for row in rows
    ]
    return {"title": title, "note": note, "faces": faces}


def _error(error: float) -> str:
    if math.isinf(error):
        return "not found"
    return "no error" if math.isnan(error) else f"{percent(error)} %"
