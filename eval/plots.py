"""Plots and contact sheets of a measurement, as PNG and JPEG."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from matplotlib.figure import Figure

from protoface.cascade.drawing import draw
from protoface.cascade.layouts import DEFAULT, find_layout
from protoface.cascade.pictures import read_picture
from protoface.cascade.windows.window import Image

from .evaluation import Floats, Measured, level_names
from .summary import ced

MANY = 12  # points: of more, parts of the face are shown together
#: Pixels of a face's tile and tiles in a row, for few points and for MANY.
TILES, LARGE_TILES = (180, 6), (280, 4)
COLOURS = ("tab:red", "tab:blue", "tab:purple")


def _png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110, bbox_inches="tight")
    return buffer.getvalue()


def _axes(title: str, x: str, y: str, width: float = 5.2) -> tuple[Figure, Any]:
    # Figure, not pyplot: no window system, no state left behind
    figure = Figure(figsize=(width, 3.4))
    axes = figure.add_subplot()
    axes.set(title=title, xlabel=x, ylabel=y)
    axes.grid(alpha=0.3)
    return figure, axes


def _colour(level: int, count: int) -> str:
    return COLOURS[1] if level == count - 1 else COLOURS[0 if level == 0 else 2]


def error_histogram(measured: Measured, normaliser: str) -> bytes:
    """Histogram of each level's errors, as in the original article; PNG."""
    figure, axes = _axes("Errors of all pictures", f"error / {normaliser}, %", "pictures")
    count = len(measured.levels)
    errors = [100 * measured.errors(normaliser, level) for level in range(count)]
    top = np.nanpercentile(np.concatenate(errors), 99)
    for level, name in enumerate(level_names(count)):
        usable = errors[level][np.isfinite(errors[level])]
        bins = np.linspace(0, top, 50)
        axes.hist(np.clip(usable, 0, top), bins, alpha=0.55, label=name, color=_colour(level, count))
    axes.legend()
    return _png(figure)


def ced_curves(curves: dict[str, Floats], normaliser: str, limit: float) -> bytes:
    """Cumulative error distribution of each named set of errors, up to `limit`; PNG."""
    figure, axes = _axes("CED", f"error / {normaliser}, %", "part of the pictures")
    thresholds = np.linspace(0, limit, 300)
    for number, (name, errors) in enumerate(curves.items()):
        usable = errors[np.isfinite(errors)]
        colour = {"level_1": COLOURS[0], "cascade": COLOURS[1]}.get(name, f"C{number + 1}")
        if len(usable):
            axes.plot(100 * thresholds, ced(usable, thresholds), label=name, color=colour)
    axes.set_ylim(0, 1)
    axes.legend()
    return _png(figure)


def point_bars(measured: Measured, normaliser: str) -> bytes:
    """Mean error of each of a few points and of each level; PNG."""
    figure, axes = _axes("Error of each point", "", f"error / {normaliser}, %")
    count, names = len(measured.levels), measured.layout.points
    width = 0.8 / count
    for level, name in enumerate(level_names(count)):
        summary = measured.summary(normaliser, level)
        if summary is not None:
            at = np.arange(len(names)) + (level - (count - 1) / 2) * width
            heights = 100 * np.array(summary.per_point)
            axes.bar(at, heights, width, label=name, color=_colour(level, count))
    axes.set_xticks(np.arange(len(names)), [name.replace("_", "\n") for name in names])
    axes.legend()
    return _png(figure)


def part_bars(measured: Measured, normaliser: str) -> bytes:
    """Mean error of each of many points, in the colours of the parts of the face; PNG.

    Bars are the last level's, the levels before are ticks above or in them; a part of the face has its
    name and its mean below.
    """
    figure, axes = _axes("Error of each point", "", f"error / {normaliser}, %", 11)
    summaries = [measured.summary(normaliser, level) for level in range(len(measured.levels))]
    errors = [100 * np.array(summary.per_point) for summary in summaries if summary]
    labels, places, start = [], [], 0
    for number, (part, points) in enumerate(measured.layout.parts.items()):
        # a part's points side by side; a gap of one before the next part
        at = start + np.arange(len(points))
        for level in errors[-1:]:
            axes.bar(at, level[list(points)], 0.85, color=f"C{number}")
            labels.append(f"{part.replace('_', ' ')}\n{level[list(points)].mean():.1f} %")
            places.append(at.mean())
        for level in errors[:-1]:
            axes.plot(at, level[list(points)], "_", color="black", markersize=5)
        start += len(points) + 1
    axes.set_xticks(places, labels, fontsize=8)
    return _png(figure)


def contact_sheet(measured: Measured, rows: Sequence[int]) -> bytes:
    """Faces number `rows` of the measurement with truth green, level 1 red, final points blue; JPEG."""
    size, columns = LARGE_TILES if len(measured.layout) > MANY else TILES
    tiles = [_tile(measured, row, size) for row in rows]
    across = min(columns, len(tiles))
    tiles += [np.full((size, size, 3), 255, np.uint8)] * (-len(tiles) % across)
    lines = [np.hstack(tiles[i : i + across]) for i in range(0, len(tiles), across)]
    return bytes(cv2.imencode(".jpg", np.vstack(lines), [cv2.IMWRITE_JPEG_QUALITY, 85])[1])


def _tile(measured: Measured, row: int, size: int) -> Image:
    """The surroundings of one face, truth and answers included where they are not absurd."""
    image = read_picture(measured.dataset.paths[measured.kept[row]])
    truth, layout, five = measured.truth[row], measured.layout, find_layout(DEFAULT)
    inner = layout.convert(truth, five) if layout.reaches(five) else truth
    side = 3.2 * max(float(np.ptp(inner, axis=0).max()), 4.0)
    left, top = inner.mean(axis=0) - side / 2
    scale = size / side
    matrix = np.array([[scale, 0, -left * scale], [0, scale, -top * scale]])
    tile = cv2.warpAffine(image, matrix, (size, size), flags=cv2.INTER_AREA, borderValue=(160,) * 3)
    levels = [(level[row] - (left, top)) * scale for level in measured.levels]
    return draw(tile, levels, truth=(truth - (left, top)) * scale)  # type: ignore[arg-type]
