"""Pictures and labels for level 2: its windows around the points that a trained level 1 finds."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from protoface.cascade import cascade_pb2
from protoface.cascade.backends.choice import AUTO
from protoface.cascade.cascade import Cascade
from protoface.cascade.definition import ORIGINAL, find_definition, load_stage, read_definition
from protoface.cascade.face import Candidate
from protoface.cascade.layouts import layout_of
from protoface.cascade.metrics import image_diagonal, nme
from protoface.cascade.parallel import chunks, cores, in_order, progress
from protoface.cascade.stage import Stage
from protoface.cascade.views.pixels import PixelsView, only_pixels
from protoface.cascade.windows import faithful
from protoface.cascade.windows.mode import find_mode
from protoface.cascade.windows.square import SquareWindow
from protoface.cascade.windows.window import Image, Points, Window, to_window
from protoface.converters import ProtofaceError
from protoface.converters.files import PathLike, replacing
from protoface.converters.locking import LOCK, alone
from protoface.converters.stopping import stopping
from protoface.eval.datasets.dataset import Labelled

from ..defaults import DROP
from .journal import Entry, Journal
from .labels import Floats, label_line, round_half_away, to_label, to_pixels
from .prepare import (
    BAD,
    JOURNAL,
    check_name,
    clear_unfinished,
    labelled_set,
    read_labelled,
    reason,
    write_lists,
    write_picture,
)

DROPPED = "dropped"
ERRORS = "level_1_errors"
BATCH = 64


@dataclass(frozen=True)
class Cropped:
    """What a folder holds: windows in each part, pictures dropped for their error, and bad ones.

    `errors` (n,) are level 1's mean errors, fractions of the picture's diagonal, of all pictures that
    could be read, the dropped ones too; `histogram` is a picture of them.
    """

    out: Path
    counts: dict[str, int]
    dropped: int
    bad: int
    errors: NDArray[np.float64]
    histogram: Path


@dataclass(frozen=True, eq=False)
class _Seen:
    """A picture, what is wrong with it (then no image), and what level 1 made of it."""

    picture: Labelled
    image: Image | None
    wrong: str = ""
    found: Candidate | None = None


@dataclass(frozen=True, eq=False)
class Levels:
    """A cascade of the trained first stage alone, and what the second one looks through."""

    first: Cascade
    second: PixelsView


def load_levels(
    model: PathLike = ORIGINAL,
    weights: PathLike | None = None,
    backend: str = AUTO,
    mode: str = "clean",
    outside: bool = False,
) -> Levels:
    """The first two stages of a cascade whose second one need not be trained yet.

    `model` is a cascade.prototxt, its folder or a name that comes with the package; `weights` those of
    level 1, instead of the file that the cascade names. `outside` is that of `load`. Raises
    ProtofaceError.
    """
    path = find_definition(model, outside)
    definition = read_definition(path, outside)
    if len(definition.stage) < 2:
        raise ProtofaceError(f"{path}: has no second stage to make pictures for")
    named = definition.stage[0].onnx or definition.stage[0].weights
    file = Path(weights) if weights is not None else path.parent / named
    if not file.is_file():
        raise ProtofaceError(f"{file}: no weights of level 1 there; train it, or name them (--weights)")
    second = _second(definition, path, mode)
    net = load_stage(definition.stage[0], path.parent, file)
    del definition.stage[1:]
    return Levels(Cascade(definition, [net], backend, mode), second)


def _second(definition: cascade_pb2.CascadeParameter, path: Path, mode: str) -> PixelsView:
    """The one view of the second stage, if it is one that can be written as pictures."""
    stage, layout = definition.stage[1], layout_of(definition, str(path))
    view = only_pixels(stage, layout, find_mode(mode), f"stage '{stage.name}'")
    if view is None or view.window.patch:
        raise ProtofaceError(
            f"{path}: its second stage has patches or several views, which cannot be written "
            "as pictures"
        )
    if mode == faithful.NAME and not isinstance(view.window, SquareWindow):
        raise ProtofaceError(
            f"{path}: faithful mode needs a square window, as in the original; use clean mode"
        )
    return view


def crop(
    data: PathLike,
    levels: Levels,
    out: PathLike,
    drop: float = DROP,
    workers: int | None = None,
    seed: int = 0,
) -> Cropped:
    """Make level 2's training data of an annotated set (see `labelled_set`; `seed` as there).

    The first of `levels` (see `load_levels`) looks at each picture; what the second stage's window
    would show of it is written as `prepare` writes pictures, with labels for that window. Pictures with
    a level-1 error of `drop` of the diagonal or more are left out and listed in `dropped.txt`,
    unreadable ones in `bad.txt`. In clean mode a window is written as the second stage sees it; in
    faithful mode as the original wrote it, in its own size, with a label that is one pixel off where
    the original's was.

    A job that was killed resumes when it is called again. Raises ProtofaceError for lists that cannot
    be read, for a set whose points cannot be converted to those of the cascade, if another process
    works in the folder, and if every picture was dropped; Interrupted after SIGINT or SIGTERM.
    """
    found, target = labelled_set(data, seed).as_layout(levels.first.layout), Path(out)
    settings = {
        "data": str(found.root.resolve()), "pictures": len(found), "seed": seed, "drop": drop,
        "mode": levels.first.mode, "level_1": _fingerprint(levels.first.stages[0]),
    }  # fmt: skip
    with alone(target / LOCK):
        journal = Journal(target / JOURNAL, settings)
        clear_unfinished(target)
        missing = (picture for picture in found if picture.name not in journal.done)
        left = len(found) - len(journal.done)
        with stopping() as stop, progress(left, "crop", "picture") as done_with:
            for entries in _run(missing, levels, target, drop, cores(workers)):
                journal.add(entries)
                done_with(len(entries))
                if stop:
                    break
        return _finish(target, journal.entries(found.names), drop)


def _fingerprint(stage: Stage) -> list[float]:
    """What level 1 answers to one made-up picture: another net would go on another one's work."""
    feed = {
        blob: np.linspace(-127, 127, math.prod(view.shape), dtype=np.float32).reshape(1, *view.shape)
        for blob, view in stage.views.items()
    }
    return [round(value, 3) for answer in stage.forward(feed).values() for value in answer[0].tolist()]


def _run(
    pictures: Iterator[Labelled], levels: Levels, out: Path, drop: float, threads: int
) -> Iterator[list[Entry]]:
    """Decoding and writing run in threads beside the net, which runs in this one."""
    write = partial(_write, view=levels.second, out=out, drop=drop)
    with ExitStack() as stack:
        readers = stack.enter_context(ThreadPoolExecutor(threads))
        writers = stack.enter_context(ThreadPoolExecutor(threads))
        read = in_order(readers, _read, pictures, 2 * BATCH)
        looked = (_look(levels.first, batch) for batch in chunks(read, BATCH))
        flat = (seen for batch in looked for seen in batch)
        yield from chunks(in_order(writers, write, flat, BATCH), BATCH)


def _read(picture: Labelled) -> _Seen:
    try:
        check_name(picture.name)
        return _Seen(picture, read_labelled(picture))
    except ProtofaceError as error:
        return _Seen(picture, None, reason(error, picture))


def _look(first: Cascade, batch: list[_Seen]) -> list[_Seen]:
    """What level 1 finds in a batch."""
    images = [seen.image for seen in batch if seen.image is not None]
    found = (candidate for step in first.steps(images) for candidate in step.candidates)
    return [
        seen if seen.image is None else _Seen(seen.picture, seen.image, found=next(found))
        for seen in batch
    ]


def _write(seen: _Seen, view: PixelsView, out: Path, drop: float) -> Entry:
    picture, image, found = seen.picture, seen.image, seen.found
    if image is None or found is None or found.points is None:
        return picture.name, BAD, seen.wrong
    rounded = view.mode.NAME == faithful.NAME
    height, width = image.shape[:2]
    try:
        label = to_label(picture.points, width, height)
    except ProtofaceError as wrong:
        return picture.name, BAD, reason(wrong, picture)
    truth = to_pixels(label, width, height) if rounded else picture.points
    error = float(nme(found.points, truth, image_diagonal(width, height)))
    (window,) = view.windows([found])
    # the original rounds the mean to four decimals before it compares
    compared = round_half_away(error) if rounded and np.isfinite(error) else error
    # shortest exact text: the histogram is drawn from it
    measured = repr(error)
    if not compared < drop or window.empty:
        return picture.name, DROPPED, f"{measured} {picture.part}"
    make = _faithful if rounded else _clean
    made = make(image, window, found.points, truth, view)
    if made is None:
        return picture.name, DROPPED, f"{measured} {picture.part}"
    write_picture(str(out), f"{picture.part}/{picture.name}", made[0])
    return picture.name, picture.part, f"{measured} {label_line(picture.name, made[1])}"


def _clean(
    image: Image, window: Window, points: Points, truth: Floats, view: PixelsView
) -> tuple[Image, Floats]:
    """What the second stage sees, and labels of its own convention: -1 and 1 are pixel centres."""
    part = view.mode.resample(image, window, *view.size, view.interpolation)
    return part, np.round(to_window(truth, window), 6)


def _faithful(
    image: Image, window: Window, points: Points, truth: Floats, view: PixelsView
) -> tuple[Image, Floats] | None:
    """The slice with its far edge; a label that leaves this edge out, except at the picture's border.

    None where the window is too small to have a label. Source: crop_train_img.py.
    """
    assert isinstance(view.window, SquareWindow)
    height, width = image.shape[:2]
    left, top = int(window.x), int(window.y)
    part = image[top : top + int(window.height), left : left + int(window.width)]
    around, a, b = view.window.corners
    half = view.window.k / 2 * np.sqrt(np.sum((points[a] - points[b]) ** 2))
    ends = np.minimum(np.round(points[around] + half), (width, height))
    middle = (ends - (left, top) - 1) // 2
    if (middle < 1).any():
        return None
    # NumPy prints eight decimals, and the original's labels are what it prints
    return part, np.round((truth - (left, top) - middle) / middle, 8)


def _finish(out: Path, entries: Iterable[Entry], drop: float) -> Cropped:
    """Lists, counts and the histogram of a finished job."""
    kept: list[Entry] = []
    errors: list[float] = []
    dropped = 0
    with replacing(out / f"{DROPPED}.txt") as path, path.open("w", encoding="utf-8") as file:
        for name, where, text in entries:
            if where != BAD:
                error, _, text = text.partition(" ")
                errors.append(float(error))
            if where == DROPPED:
                dropped += 1
                print(f"{name}: level-1 error {errors[-1]:.4f} of the diagonal", file=file)
            else:
                kept.append((name, where, text))
    if errors and dropped == len(errors):
        raise ProtofaceError(
            f"{out}: all {dropped} pictures were dropped: level 1's error is at least {drop} of the "
            f"diagonal (median {np.median(errors):.3f}); train it first, or raise the threshold"
        )
    prepared = write_lists(out, kept)
    histogram = out / f"{ERRORS}.png"
    values = np.array(errors)
    draw_histogram(values, drop, histogram)
    return Cropped(out, prepared.counts, dropped, prepared.bad, values, histogram)


def draw_histogram(errors: NDArray[np.float64], drop: float, path: Path) -> None:
    """Draw level 1's errors (fractions of the diagonal) as the original article shows them."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4))
    figure.subplots_adjust(0.1, 0.13, 0.98, 0.92)
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    percent = 100 * np.clip(errors[np.isfinite(errors)], 0, 0.2)
    axes.hist(percent, bins=80, range=(0, 20), color="tab:blue")
    axes.axvline(100 * drop, color="tab:red", label=f"dropped from {100 * drop:g} % on")
    axes.set_yscale("log")
    axes.set_xlabel("mean error of level 1, % of the picture's diagonal (20 and more in the last bar)")
    axes.set_ylabel("pictures")
    axes.set_title(f"{len(errors)} pictures, mean {100 * np.mean(errors):.2f} %")
    axes.legend()
    with replacing(path) as temporary:
        figure.savefig(temporary, dpi=120)
