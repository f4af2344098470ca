"""The verb `detect`."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from itertools import islice
from pathlib import Path

import click
import numpy as np

from protoface.converters.commands.path_types import FILE_IN, FILE_OUT, FOLDER_OUT, PATH_IN
from protoface.converters.errors import ProtofaceError
from protoface.converters.files import refuse_inputs
from protoface.converters.stopping import stopping
from protoface.converters.streams import is_stream
from protoface.converters.terminal import say

from ..cascade import Cascade, load
from ..definition import find_definition, model_files
from ..detect import How, Item, detect_sources
from ..inputs import Sources, find_sources
from ..layouts import Layout
from ..lists import Matching, read_boxes, read_list
from ..results import Seen, csv_lines, json_lines
from ..resume import Job, fingerprint, listed, resumable
from ..video.smoothing import Smoothing
from .options import (
    backend_option,
    least_score_option,
    mode_option,
    model_option,
    outside_option,
    threads_option,
    weights_option,
)
from .pixel_options import max_pixels_option

#: Names that are said of files that are skipped.
NAMED = 10


@click.command()
@click.argument("paths", nargs=-1, required=True, type=PATH_IN)
@click.option("--out", type=FOLDER_OUT, help="Folder for drawn pictures and videos; default: none.")
@click.option(
    "--json",
    "json_file",
    type=FILE_OUT,
    help="JSON Lines, a line for each face: box, score, points; - is standard output; default: points "
    "are printed.",
)
@click.option(
    "--csv",
    "csv_file",
    type=FILE_OUT,
    help="The same as CSV, a column for each coordinate; - is standard output; default: none.",
)
@click.option(
    "--resume",
    is_flag=True,
    help="Go on with an interrupted run of the same command; what it did is not done again.",
)
@click.option(
    "--quality",
    type=click.IntRange(1, 100),
    help="Of drawn pictures in JPEG and WebP, 1 to 100; default: 95, in WebP lossless.",
)
@click.option(
    "--truth",
    type=FILE_IN,
    help="List of true points (name x1 y1 ...), pixels: drawn green, the error is printed.",
)
@click.option(
    "--boxes",
    type=FILE_IN,
    help="List of boxes (name x y width height), pixels, a line for each face, of a video's frame 12 "
    "as film.mp4:12; for the first stage; default: whole pictures.",
)
@click.option(
    "--frames",
    type=click.IntRange(min=1),
    help="Frames after which a video or a camera ends; default: all.",
)
@click.option(
    "--smooth",
    is_flag=True,
    help="Smooth the final points of a video (one-euro filter); default: off.",
)
@click.option(
    "--min-cutoff",
    type=click.FloatRange(min=0, min_open=True),
    default=Smoothing.min_cutoff,
    show_default=True,
    help="With --smooth: cut-off at rest, Hz; lower means less jitter.",
)
@click.option(
    "--beta",
    type=click.FloatRange(min=0),
    default=Smoothing.beta,
    show_default=True,
    help="With --smooth: added cut-off, Hz for each face size per second; higher means less lag.",
)
@click.option(
    "--least-face",
    type=click.FloatRange(min=1),
    help="Smallest face to look for, pixels; a larger one is faster; default: the model's.",
)
@least_score_option
@model_option
@weights_option
@outside_option
@backend_option
@mode_option
@threads_option
@max_pixels_option
def detect(
    paths: tuple[Path, ...],
    out: Path | None,
    json_file: Path | None,
    csv_file: Path | None,
    resume: bool,
    quality: int | None,
    truth: Path | None,
    boxes: Path | None,
    frames: int | None,
    smooth: bool,
    min_cutoff: float,
    beta: float,
    least_face: float | None,
    least_score: float | None,
    model: str,
    weights: tuple[Path, ...],
    outside: bool,
    backend: str,
    mode: str,
    threads: int | None,
    max_pixels: int,
) -> int:
    """Find facial points in pictures, folders, videos or a camera (its number, such as 0).

    Draws the points of the first stage red, the final ones blue and given truth green. Names in lists
    are paths relative to the folder that is searched, or bare file names. Pictures that cannot be read
    are listed, the others done; then the exit status is 2. Ctrl-C ends the job after the picture or
    frame at hand: all outputs hold what is done, and --resume goes on.

    \b
    Examples:
      protoface detect photo.jpg --out drawn/
      protoface detect album/ --json points.jsonl --csv points.csv
      protoface detect album/ --json points.jsonl --csv points.csv --resume
      protoface detect film.mp4 --smooth --out drawn/
      protoface detect album/ --least-face 40 --least-score 0.7 --json faces.jsonl
    """
    find_definition(model, outside)  # a wrong name is said at once
    sources = find_sources(map(str, paths))
    outputs = [path for path in (json_file, csv_file) if path is not None]
    lists = [path for path in (truth, boxes) if path is not None]
    journal = _journal(sources, outputs, out, resume)
    files = model_files(model, weights, outside) if outputs or journal else []
    _check_outputs(outputs, [*lists, *sources.files, *files])
    cascade = load(model, backend, mode, weights, threads, outside, least_face, least_score)
    how = How(
        None if truth is None else _truth(truth, cascade),
        None if boxes is None else Matching(read_boxes(boxes)),
        out,
        quality,
        frames,
        Smoothing(min_cutoff, beta) if smooth else None,
        max_pixels,
    )
    say(f"{cascade.name}: backend {cascade.backend}, mode {cascade.mode}")
    settings = {} if journal is None else _settings(sources, cascade.backend, files)
    resuming = resumable(journal, settings, resume)
    return _run(cascade, sources, how, resuming, json_file, csv_file)


def _check_outputs(outputs: Sequence[Path], read: Sequence[Path]) -> None:
    """Raise ProtofaceError if an output is one of the files that are read, or both are one."""
    refuse_inputs(outputs, read)
    if len({os.path.realpath(path) for path in outputs}) < len(outputs):
        raise ProtofaceError(f"{outputs[0]}: --json and --csv cannot be one file")


def _journal(sources: Sources, outputs: Sequence[Path], out: Path | None, resume: bool) -> Path | None:
    """Where the job keeps what it has done; None for a single item, and where nothing is written.

    Raises ProtofaceError if such a job is to `resume`.
    """
    files = [path for path in outputs if not is_stream(path)]
    if len(sources.items) < 2 or not (files or out):
        if resume:
            raise ProtofaceError(
                "--resume needs several pictures or videos, and --json, --csv or --out"
            )
        return None
    return files[0].with_name(f"{files[0].name}.part") if files else Path(out or "", ".detect.part")


def _settings(sources: Sources, backend: str, files: Sequence[Path]) -> dict[str, object]:
    """All that changes results: it must be the same when an interrupted job goes on."""
    given = click.get_current_context().params
    same = (
        "out",
        "quality",
        "frames",
        "smooth",
        "min_cutoff",
        "beta",
        "mode",
        "max_pixels",
        "least_face",
        "least_score",
    )
    lists = ("truth", "boxes")
    return {
        **{name: given[name] if name != "out" else str(given[name]) for name in same},
        "backend": backend,
        "model": fingerprint(files),
        "sources": listed(sources),
        **{name: fingerprint([given[name]]) for name in lists if given[name] is not None},
    }


def _run(
    cascade: Cascade,
    sources: Sources,
    how: How,
    resuming: AbstractContextManager[Job],
    json_file: Path | None,
    csv_file: Path | None,
) -> int:
    """Detect, write what is found and say how it went; the exit status."""
    written = [path for path in (how.out, json_file, csv_file) if path is not None]
    summary = _Summary(show=not written)
    with stopping() as stop, resuming as job:
        with _taking(summary, json_file, csv_file, cascade.layout) as take:
            done = job.replay(take)
            detect_sources(cascade, sources, job.noting(take), how, done, stop, bar)
        if not stop:
            job.finish()
        summary.report(cascade, sources, written)
        if stop and job.journal is not None:
            say("the same command with --resume goes on")
    return 2 if summary.wrong else 0


@contextmanager
def _taking(
    summary: _Summary, json_file: Path | None, csv_file: Path | None, layout: Layout
) -> Iterator[Callable[[Seen], None]]:
    """What takes each result: the summary and the outputs."""
    with ExitStack() as stack:
        takers: list[Callable[[Seen], None]] = [summary.add]
        if json_file is not None:
            takers.append(stack.enter_context(json_lines(json_file)))
        if csv_file is not None:
            takers.append(stack.enter_context(csv_lines(csv_file, layout)))

        def take(seen: Seen) -> None:
            for each in takers:
                each(seen)

        yield take


def _truth(path: Path, cascade: Cascade) -> Matching[np.ndarray]:
    entries = read_list(path, 2 * len(cascade.layout))
    return Matching({name: values.reshape(-1, 2) for name, values in entries.items()})


def bar(items: Iterable[Item], total: int | None, unit: str) -> Iterable[Item]:
    """Progress, where somebody watches."""
    # only where somebody watches, and never for a single picture; tqdm takes long to import
    if total == 1 or not sys.stderr.isatty():
        return items
    from tqdm import tqdm

    return tqdm(items, total=total, unit=unit)


class _Summary:
    """What is said while a job runs and in the end: a few numbers, however long it is."""

    def __init__(self, show: bool) -> None:
        self.show, self.wrong = show, 0
        self.pictures, self.frames = 0, 0
        self.measured, self.errors = 0, np.zeros(())

    def add(self, seen: Seen) -> None:
        """Count what was seen; show what is wrong, and the points if they go nowhere else."""
        if seen.wrong:
            self.wrong += 1
            say(f"protoface: {seen.wrong}", err=True)
            return
        if seen.frame is None:
            self.pictures += 1
        else:
            self.frames += 1
        if seen.errors:
            self.measured, self.errors = self.measured + 1, self.errors + np.array(seen.errors)
        if self.show:
            place = seen.path if seen.frame is None else f"{seen.path}:{seen.frame}"
            for row in seen.rows:
                say(f"{place}  {'  '.join(f'{x:.1f} {y:.1f}' for x, y in row['points'])}")

    def report(self, cascade: Cascade, sources: Sources, written: Sequence[Path]) -> None:
        """How many there were, where they went, and the mean error of each stage."""
        frames = f", {self.frames} frames of videos" if self.frames else ""
        skipped = f", {len(sources.skipped)} skipped" if sources.skipped else ""
        say(f"{self.pictures} done{frames}, {self.wrong} could not be read{skipped}")
        for path, why in islice(sources.skipped.items(), NAMED):
            say(f"skipped: {path}: {why}")
        if len(sources.skipped) > NAMED:
            say(f"skipped: {len(sources.skipped) - NAMED} more")
        for path in written:
            say(f"written: {path}")
        if self.measured:
            for stage, mean in zip(cascade.stages, self.errors / self.measured, strict=True):
                say(
                    f"{stage.name}: mean error {100 * mean:.3f} % of the picture's diagonal, "
                    f"n = {self.measured}"
                )
