"""One self-contained HTML page of a measurement."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterable, Mapping, Sequence
from importlib.resources import files
from typing import Any

import jinja2
import numpy as np
from numpy.typing import NDArray

from protoface.cascade.measure.machine import machine, versions
from protoface.converters.files import write_text

from .evaluation import Measured, level_names
from .groups import Group, groups
from .plots import MANY, ced_curves, contact_sheet, error_histogram, part_bars, point_bars
from .summary import NORMALISERS

FACES = 24
PLOTTED = ("inter_ocular", "image_diagonal")


def write_report(
    path: str | os.PathLike[str],
    measured: Measured,
    setting: str,
    command: str,
    peers: Mapping[str, Measured],
) -> None:
    """Write the page: tables, histograms, bars, CED curves, worst and random faces, versions, command.

    `setting` says in a sentence what ran; `peers` are other finders on the same pictures, by name.
    """
    template = files(__package__).joinpath("report.html").read_text("utf-8")
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    page = environment.from_string(template).render(
        title=f"protoface eval: {measured.dataset.name}",
        n=len(measured.kept),
        skipped=measured.skipped,
        setting=setting,
        tables=list(_tables(measured, peers)),
        normalisers=NORMALISERS,
        peers=peers,
        plots=list(_plots(measured, peers)),
        sheets=list(_sheets(measured)),
        command=command,
        versions=versions(),
        machine=", ".join(f"{key} {value}" for key, value in machine().items()),
    )
    write_text(path, page)


def percent(value: float) -> str:
    """A fraction as a percentage with two decimals."""
    return f"{100 * value:.2f}"


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


HEADS = ["level", "normaliser", "n", "mean", "median", "P90", "P95", "P99", "CI", "failures", "AUC"]


def group_row(group: Group) -> list[str]:
    """n, mean, median, failure rate of a group, in percent."""
    summary = group.summary
    return [str(summary.n), *map(percent, (summary.mean, summary.median, summary.failure_rate))]


def _tables(measured: Measured, peers: Mapping[str, Measured]) -> Iterable[dict[str, Any]]:
    yield _summaries(measured)
    if len(measured.layout) > MANY:
        yield _parts(measured)
    yield _points(measured)
    yield _groups(measured)
    if peers:
        yield _peers(measured, peers)


def _summaries(measured: Measured) -> dict[str, Any]:
    rows = [
        row
        for level, name in enumerate(level_names(len(measured.levels)))
        for row in summary_rows(name, measured, level)
    ]
    return {"caption": "Errors, % of the normaliser", "heads": HEADS, "rows": rows}


def _per_point(measured: Measured) -> dict[str, NDArray[np.float64]]:
    """Level -> the mean error (points) of each point over inter_ocular, where that can be had."""
    found = {
        name: measured.summary("inter_ocular", level)
        for level, name in enumerate(level_names(len(measured.levels)))
    }
    return {name: np.array(summary.per_point) for name, summary in found.items() if summary}


def _parts(measured: Measured) -> dict[str, Any]:
    parts = measured.layout.parts
    rows = [
        [name, *(percent(errors[list(points)].mean()) for points in parts.values())]
        for name, errors in _per_point(measured).items()
    ]
    heads = ["level", *(f"{part} ({len(points)})" for part, points in parts.items())]
    caption = "Mean error of the points of each part of the face, % of inter_ocular"
    return {"caption": caption, "heads": heads, "rows": rows}


def _points(measured: Measured) -> dict[str, Any]:
    """A row for each level; of many points a row for each point, folded up."""
    errors, names = _per_point(measured), measured.layout.points
    rows = [[name, *map(percent, row)] for name, row in errors.items()]
    table = {"caption": "Mean error of each point, % of inter_ocular", "heads": ["level", *names]}
    if len(names) <= MANY:
        return {**table, "rows": rows}
    turned = zip(["point", *names], *rows, strict=True)
    heads, *points = ([str(cell) for cell in row] for row in turned)
    numbered = [[f"{number} {row[0]}", *row[1:]] for number, row in enumerate(points)]
    return {**table, "heads": heads, "rows": numbered, "folded": True}


def _groups(measured: Measured) -> dict[str, Any]:
    rows = [[str(group), *group_row(group)] for group in groups(measured)]
    heads = ["faces", "n", "mean", "median", "failures"]
    said = ", and what the set says of its faces" if measured.dataset.attributes else ""
    caption = f"Pose and size{said}: the last level, % of inter_ocular"
    return {"caption": caption, "heads": heads, "rows": rows}


def _peers(measured: Measured, peers: Mapping[str, Measured]) -> dict[str, Any]:
    finders = {"protoface": measured, **peers}
    rows = [[name, *peer_row(found)] for name, found in finders.items()]
    heads = ["finder", "n", "not measured", "mean", "median", "failures", "ms per picture"]
    return {"caption": "Finders on the same pictures, % of inter_ocular", "heads": heads, "rows": rows}


def peer_row(found: Measured) -> list[str]:
    """n, pictures not measured, mean, median, failure rate in % of inter_ocular, ms per picture."""
    summary = found.summary("inter_ocular", len(found.levels) - 1)
    figures = (
        ["-"] * 3
        if summary is None
        else [percent(summary.mean), percent(summary.median), percent(summary.failure_rate)]
    )
    milliseconds = 1000 * found.seconds / (len(found.kept) + len(found.skipped))
    return [str(len(found.kept)), str(len(found.skipped)), *figures, f"{milliseconds:.2f}"]


def _plots(measured: Measured, peers: Mapping[str, Measured]) -> Iterable[dict[str, str]]:
    for normaliser in PLOTTED:
        yield _image(f"Errors over {normaliser}", error_histogram(measured, normaliser))
        curves = {
            name: measured.errors(normaliser, level)
            for level, name in enumerate(level_names(len(measured.levels)))
        }
        curves |= {
            name: found.errors(normaliser, len(found.levels) - 1) for name, found in peers.items()
        }
        limit = 0.3 if normaliser == "inter_ocular" else 0.05
        yield _image(f"CED over {normaliser}", ced_curves(curves, normaliser, limit))
    if len(measured.layout) > MANY:
        yield {**_image("Error of each point", part_bars(measured, "inter_ocular")), "wide": "yes"}
    else:
        yield _image("Error of each point", point_bars(measured, "inter_ocular"))


def _sheets(measured: Measured) -> Iterable[dict[str, str]]:
    errors = np.nan_to_num(measured.errors("inter_ocular", len(measured.levels) - 1), nan=-1)
    worst = np.argsort(errors)[::-1][:FACES]
    chosen = np.random.default_rng(0).permutation(len(errors))[:FACES]
    yield _sheet("Worst faces", "The largest errors first.", measured, worst.tolist())
    yield _sheet("Random faces", "Drawn with seed 0.", measured, chosen.tolist())


def _sheet(title: str, note: str, measured: Measured, rows: Sequence[int]) -> dict[str, str]:
    data = base64.b64encode(contact_sheet(measured, rows)).decode()
    return {"title": title, "note": note, "data": data}


def _image(alt: str, png: bytes) -> dict[str, str]:
    return {"alt": alt, "data": base64.b64encode(png).decode()}
