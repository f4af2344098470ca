"""Charts of a detection, and what was found or missed as pictures, as PNG and JPEG."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import cv2
import numpy as np

from protoface.cascade.pictures import read_picture
from protoface.cascade.windows.window import Image

from .average_precision import RATE, Curve
from .chart_style import Look, finder_looks, stage_looks
from .detection import Detected, Floats
from .plots import TILES, cut, jpeg, new_axes, place_legend, png, shown_name

#: Colours (BGR) of what a tile shows.
FACE, IGNORED, FOUND, FALSE = (0, 160, 0), (150, 150, 150), (208, 0, 0), (0, 0, 208)
#: A tile's side is so many times that of the box that it is about, and at least so many pixels.
AROUND, LEAST_SIDE = 3.0, 48.0


def finder_curves(finders: Mapping[str, Detected], least: int) -> list[tuple[str, Curve, Look]]:
    """The curve of each finder, and how it looks: the first one as a result does, the others beside."""
    looks = [stage_looks(1)[0], *finder_looks(len(finders) - 1)]
    pairs = zip(finders.items(), looks, strict=True)
    return [(name, found.curve(least), look) for (name, found), look in pairs]


def precision_recall(finders: Mapping[str, Detected], least: int) -> bytes:
    """Precision over recall of each finder, for faces of at least `least` pixels; PNG."""
    figure, axes = new_axes(f"Faces of {least} pixels and more", "recall", "precision")
    for name, curve, look in finder_curves(finders, least):
        title = f"{name}: AP {100 * curve.area:.1f} %"
        # the curve ends at the recall that is reached
        recall, precision = np.append(0, curve.recall), np.append(curve.precision[:1], curve.precision)
        axes.plot(
            recall[: len(precision)],
            precision,
            color=look.colour,
            ls=look.line,
            label=shown_name(title),
        )
    axes.set(xlim=(0, 1), ylim=(0, 1.02))
    place_legend(axes, "lower left")
    return png(figure)


def recall_over_false_alarms(finders: Mapping[str, Detected], least: int) -> bytes:
    """FROC: recall over false alarms a picture of each finder; PNG. A line marks RATE."""
    figure, axes = new_axes(
        f"Faces of {least} pixels and more", "false alarms a picture", "recall", log=True
    )
    for name, curve, look in finder_curves(finders, least):
        rate = np.maximum(curve.rate, 1e-3)  # a logarithm has no 0
        axes.step(
            rate, curve.recall, where="post", color=look.colour, ls=look.line, label=shown_name(name)
        )
    axes.axvline(RATE, color="black", lw=0.8)
    axes.set(xlim=(1e-3, 10), ylim=(0, 1))
    place_legend(axes, "lower right")
    return png(figure)


def box_tile(found: Detected, picture: int, box: Floats) -> bytes:
    """The surroundings of a box (4) in the picture of that number; JPEG.

    Faces are green, ignored ones grey; what was found is blue, and red where it is a false alarm.
    """
    index = int(found.kept[picture])
    image = read_picture(found.dataset.paths[index])
    size, _ = TILES
    side = max(AROUND * float(box[2:].max()), LEAST_SIDE)
    left, top = (box[:2] + box[2:] / 2 - side / 2).tolist()
    tile = cut(image, left, top, side, size)
    ignored, outcomes = found.dataset.ignored[index], found.matches()[picture].outcomes
    colours = [
        *(IGNORED if flag else FACE for flag in ignored.tolist()),
        *(FALSE if outcome == 0 else FOUND for outcome in outcomes.tolist()),
    ]
    boxes = np.concatenate((found.dataset.boxes[index], found.boxes[picture]))
    _outline(tile, (boxes - (left, top, 0, 0)) * (size / side), colours)
    return jpeg(tile)


def _outline(tile: Image, boxes: Floats, colours: Iterable[tuple[int, int, int]]) -> None:
    """Draw boxes (n, 4) in pixels of the tile; what reaches far beyond is cut off."""
    corners = np.concatenate((boxes[:, :2], boxes[:, :2] + boxes[:, 2:]), axis=1)
    near = np.clip(corners, -len(tile), 2 * len(tile)).round().astype(int)
    for (left, top, right, bottom), colour in zip(near.tolist(), colours, strict=True):
        cv2.rectangle(tile, (left, top), (right, bottom), colour, 2)
