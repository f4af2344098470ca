"""What detection finds in files, as rows: JSON Lines and CSV, written as it goes."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from protoface.converters.files import writing

from .face import Face
from .layouts import Layout

Row = dict[str, Any]


@dataclass(frozen=True, eq=False)
class Seen:
    """What was found in one picture, or in one `frame` of a video (from 0).

    `rows` are the faces as JSON, see `row`. `errors` are, where the truth is known, the NME of every
    stage over the picture's diagonal. `wrong` says why a picture could not be looked at.
    """

    path: str
    rows: Sequence[Row] = ()
    frame: int | None = None
    errors: Sequence[float] = ()
    wrong: str = ""


def seen(
    path: str, faces: Sequence[Face], frame: int | None = None, errors: Sequence[float] = ()
) -> Seen:
    """The faces of a picture or a frame, in rows."""
    place = {"path": path} if frame is None else {"path": path, "frame": frame}
    rows = [{**place, "face": number, **row(face)} for number, face in enumerate(faces)]
    return Seen(path, rows, frame, errors)


def row(face: Face) -> Row:
    """A face as JSON: box [x, y, width, height], score (null: no stage says), points [[x, y], ...].

    `level_1` are the first stage's points, `window` what the last one looked at, [x, y, width, height]
    and the angle of one that is turned. NaN and infinity become null.
    """
    return {
        "box": _numbers(face.box),
        "score": None if math.isnan(face.score) else face.score,
        "points": _numbers(face.points),
        "level_1": _numbers(face.stages[0]),
        "window": face.windows[-1].tolist(),
    }


def _numbers(values: np.ndarray) -> list[Any]:
    """An array as JSON, which has no NaN and no infinity: null stands for them."""
    if np.isfinite(values).all():
        return values.tolist()  # type: ignore[no-any-return]
    some = values.astype(object)
    some[~np.isfinite(values)] = None
    return some.tolist()  # type: ignore[no-any-return]


@contextmanager
def json_lines(path: Path) -> Iterator[Callable[[Seen], None]]:
    """A function that writes results as JSON Lines, a line a face; the file appears at the end."""
    with writing(path) as file:

        def write(one: Seen) -> None:
            file.writelines(json.dumps(line) + "\n" for line in one.rows)

        yield write


@contextmanager
def csv_lines(path: Path, layout: Layout) -> Iterator[Callable[[Seen], None]]:
    """The same as CSV: a header, then path, frame (empty for a picture), face, box, score and points.

    The columns of a point are its name in the layout with `_x` and `_y`.
    """
    with writing(path) as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(
            [
                *("path", "frame", "face", "x", "y", "width", "height", "score"),
                *(f"{name}_{axis}" for name in layout.points for axis in "xy"),
            ]
        )

        def write(one: Seen) -> None:
            writer.writerows(map(_fields, one.rows))

        yield write


def _fields(line: Row) -> list[Any]:
    """A row of JSON as fields of CSV; None becomes an empty one."""
    points = [number for point in line["points"] for number in point]
    return [line["path"], line.get("frame"), line["face"], *line["box"], line["score"], *points]
