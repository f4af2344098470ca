"""Charts and contact sheets of a measurement, as PNG and JPEG."""

from __future__ import annotations

import io
import math
import textwrap
import warnings
from collections.abc import Sequence
from typing import Any, NamedTuple

import cv2
import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from protoface.cascade.drawing import draw
from protoface.cascade.layouts import DEFAULT, find_layout
from protoface.cascade.pictures import read_picture
from protoface.cascade.windows.window import Image
from protoface.converters.terminal import escaped

from .chart_style import Look, stage_looks
from .evaluation import Floats, Measured
from .summary import THRESHOLD, ced

MANY = 12  # points: of more, parts of the face are shown together
#: Pixels of a face's tile and tiles in a row, for few points and for MANY.
TILES, LARGE_TILES = (180, 6), (280, 4)
NAME_WIDTH = 34  # characters of a name in a legend; longer ones take several lines


class Curve(NamedTuple):
    """Errors (n) under a name, and how they look."""

    name: str
    errors: Floats
    look: Look


def png(figure: Figure) -> bytes:
    """A figure as PNG."""
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        # of letters that matplotlib's font lacks it draws a box; the table has the name
        warnings.filterwarnings("ignore", "Glyph .* missing")
        figure.savefig(buffer, format="png", dpi=150, bbox_inches="tight")
    return buffer.getvalue()


def new_axes(title: str, x: str, y: str, width: float = 4.6, log: bool = False) -> tuple[Figure, Any]:
    """A figure with its axes; `log` makes x logarithmic."""
    # Figure, not pyplot: no window system, no state left behind
    figure = Figure(figsize=(width, 3.2))
    axes = figure.add_subplot()
    axes.set(title=shown_name(title), xlabel=shown_name(x), ylabel=shown_name(y))
    axes.set_xscale("log" if log else "linear")
    axes.grid(alpha=0.3)
    return figure, axes


def shown_name(name: str) -> str:
    """A name as matplotlib shows it literally: no formula, and in the legend even with a leading _."""
    shown = textwrap.fill(escaped(name).replace("$", r"\$"), NAME_WIDTH, break_long_words=True)
    return f" {shown}" if shown.startswith("_") else shown


def place_legend(axes: Any, place: str = "best") -> None:
    """A legend in small letters."""
    axes.legend(fontsize=8, loc=place)


def stage_curves(measured: Measured, normaliser: str) -> list[Curve]:
    """The errors of each stage."""
    looks = stage_looks(len(measured.names))
    return [
        Curve(name, measured.errors(normaliser, level), looks[level])
        for level, name in enumerate(measured.names)
    ]


def error_histogram(measured: Measured, normaliser: str) -> bytes:
    """Histogram of each stage's errors, as in the original article; PNG. The last stage is filled."""
    figure, axes = new_axes("Errors of all pictures", f"error / {normaliser}, %", "pictures")
    curves = stage_curves(measured, normaliser)
    errors = np.concatenate([curve.errors for curve in curves])
    top = 100 * np.percentile(errors[np.isfinite(errors)], 99) if np.isfinite(errors).any() else 0
    bins = np.linspace(0, max(top, 1e-9), 50)
    for curve in curves:
        usable = 100 * curve.errors[np.isfinite(curve.errors)]
        colour, line = curve.look.colour, curve.look.line
        last = curve is curves[-1]
        axes.hist(
            np.clip(usable, 0, bins[-1]), bins, histtype="stepfilled" if last else "step",
            fc=(*to_rgb(colour), 0.2), ec=colour, ls=line, lw=1.5, label=shown_name(curve.name),
        )  # fmt: skip
    place_legend(axes)
    return png(figure)


def ced_curves(curves: Sequence[Curve], normaliser: str, limit: float) -> bytes:
    """Cumulative error distribution of each curve, up to `limit`; PNG. A line marks failures."""
    title = "Cumulative error distribution"
    figure, axes = new_axes(title, f"error / {normaliser}, %", "part of the pictures")
    thresholds = np.linspace(0, limit, 300)
    for number, (name, errors, look) in enumerate(curves):
        usable = errors[~np.isnan(errors)]  # infinite without a face: no threshold reaches it
        if len(usable):
            axes.plot(
                100 * thresholds, ced(usable, thresholds), label=shown_name(name), color=look.colour,
                ls=look.line, marker=look.marker, markevery=(10 * number, 60), ms=4,
            )  # fmt: skip
    if limit > THRESHOLD:
        axes.axvline(100 * THRESHOLD, color="black", lw=0.8)
    axes.set_ylim(0, 1)
    axes.set_xlim(0, 100 * limit)
    place_legend(axes, "lower right")
    return png(figure)


def point_bars(measured: Measured, normaliser: str) -> bytes:
    """Mean error of each of a few points and of each stage; PNG."""
    count, names = len(measured.names), measured.layout.points
    title = "Error of each point"
    figure, axes = new_axes(title, "", f"error / {normaliser}, %", max(4.6, 0.8 * len(names)))
    width = 0.8 / count
    for level, look in enumerate(stage_looks(count)):
        summary = measured.summary(normaliser, level)
        if summary is not None:
            at = np.arange(len(names)) + (level - (count - 1) / 2) * width
            heights = 100 * np.array(summary.per_point)
            label = shown_name(measured.names[level])
            axes.bar(at, heights, width, label=label, color=look.colour, hatch=look.hatch, ec="white")
    axes.set_xticks(np.arange(len(names)), [shown_name(name).replace("_", "\n") for name in names])
    place_legend(axes)
    return png(figure)


def part_bars(measured: Measured, normaliser: str) -> bytes:
    """Mean error of each of many points, side by side in the parts of the face; PNG.

    Bars are the last stage's, darker or lighter by part; the stages before are marks above or in them.
    A part has its name and its mean below.
    """
    figure, axes = new_axes("Error of each point", "", f"error / {normaliser}, %", 11)
    labels, places, start = [], [], 0
    looks = stage_looks(len(measured.names))
    errors = _point_errors(measured, normaliser)
    for number, (part, points) in enumerate(measured.layout.parts.items()):
        # a part's points side by side; a gap of one before the next part
        at = start + np.arange(len(points))
        for level, look in enumerate(looks[:-1]):
            name = shown_name(measured.names[level]) if number == 0 else None
            marks = {"marker": look.marker or "_", "color": look.colour, "ms": 4, "label": name}
            axes.plot(at, errors[level][list(points)], ls="", **marks)
        last = errors[-1][list(points)]
        shade = _lighter(looks[-1].colour, 0.6 * number / len(measured.layout.parts))
        axes.bar(at, last, 0.85, color=shade, label=None if number else shown_name(measured.names[-1]))
        labels.append(f"{shown_name(part).replace('_', ' ')}\n{last.mean():.1f} %")
        places.append(at.mean())
        start += len(points) + 1
    axes.set_xticks(places, labels, fontsize=8)
    place_legend(axes)
    return png(figure)


def _point_errors(measured: Measured, normaliser: str) -> list[Floats]:
    """Mean errors (points) of each stage in percent; NaN where they cannot be had."""
    summaries = [measured.summary(normaliser, level) for level in range(len(measured.names))]
    missing = np.full(len(measured.layout), np.nan)
    return [100 * np.array(one.per_point) if one else missing for one in summaries]


def _lighter(colour: str, by: float) -> tuple[float, ...]:
    return tuple(part + by * (1 - part) for part in to_rgb(colour))


def contact_sheet(measured: Measured, rows: Sequence[int]) -> bytes:
    """Faces number `rows` of the measurement with truth green, first points red, final blue; JPEG."""
    size, columns = _tiles(measured)
    tiles = [_tile(measured, row, size) for row in rows]
    across = min(columns, len(tiles))
    tiles += [np.full((size, size, 3), 255, np.uint8)] * (-len(tiles) % across)
    lines = [np.hstack(tiles[i : i + across]) for i in range(0, len(tiles), across)]
    return jpeg(np.vstack(lines))


def face_tile(measured: Measured, row: int) -> bytes:
    """One face of the measurement, drawn as in the contact sheet; JPEG."""
    size, _ = _tiles(measured)
    return jpeg(_tile(measured, row, size))


def _tiles(measured: Measured) -> tuple[int, int]:
    return LARGE_TILES if len(measured.layout) > MANY else TILES


def jpeg(image: Image) -> bytes:
    """A picture as JPEG."""
    return bytes(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 85])[1])


def _tile(measured: Measured, row: int, size: int) -> Image:
    """The surroundings of one face, truth and answers included where they are not absurd."""
    image = read_picture(measured.dataset.paths[measured.kept[row]])
    truth, layout, five = measured.truth[row], measured.layout, find_layout(DEFAULT)
    inner = layout.convert(truth, five) if layout.reaches(five) else truth
    side = 3.2 * max(float(np.ptp(inner, axis=0).max()), 4.0)
    left, top = inner.mean(axis=0) - side / 2
    scale = size / side
    tile = cut(image, float(left), float(top), side, size)
    levels = [
        # no number rather than an infinite one: it is not drawn
        (np.where(np.isfinite(level[row]), level[row], np.nan) - (left, top)) * scale
        for level in measured.levels
    ]
    return draw(tile, levels, truth=(truth - (left, top)) * scale)  # type: ignore[arg-type]


def cut(image: Image, left: float, top: float, side: float, size: int) -> Image:
    """A square of a picture at the size of a tile, grey beyond the picture."""
    x, y = max(math.floor(left) - 1, 0), max(math.floor(top) - 1, 0)
    step = max(1, int(side / 2**14))  # OpenCV has 16 bits for a place in a picture
    part = image[
        y : max(math.ceil(top + side) + 1, 0) : step, x : max(math.ceil(left + side) + 1, 0) : step
    ]
    if not part.size:
        return np.full((size, size, 3), 160, np.uint8)
    scale = size / side
    matrix = np.array([[scale * step, 0, (x - left) * scale], [0, scale * step, (y - top) * scale]])
    border = (160,) * 3
    return cv2.warpAffine(part, matrix, (size, size), flags=cv2.INTER_AREA, borderValue=border)  # type: ignore[return-value]
