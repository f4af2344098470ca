"""The verb `detect`."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path

import click
import numpy as np
from tqdm import tqdm

from protoface.converters.commands.path_types import FILE_IN, FILE_OUT, FOLDER_OUT
from protoface.converters.files import refuse_inputs

from ..cascade import Cascade, load
from ..detect import Given, Seen, detect_paths, json_lines
from ..lists import Matching, read_list
from ..pictures import Picture, listed_pictures
from ..video.smoothing import Smoothing
from .options import backend_option, mode_option, model_option, threads_option, weights_option


@click.command()
@click.argument("paths", nargs=-1, required=True)
@click.option("--out", type=FOLDER_OUT, help="Folder for drawn pictures and videos; default: none.")
@click.option(
    "--json",
    "json_file",
    type=FILE_OUT,
    help="JSON Lines, a line for each face: box, score, points; default: points are printed.",
)
@click.option(
    "--truth",
    type=FILE_IN,
    help="List of true points (name x1 y1 ...), pixels: drawn green, the error is printed.",
)
@click.option(
    "--boxes",
    type=FILE_IN,
    help="List of boxes (name x y width height), pixels, for the first stage; default: whole pictures.",
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
@model_option
@weights_option
@backend_option
@mode_option
@threads_option
def detect(
    paths: tuple[str, ...],
    out: Path | None,
    json_file: Path | None,
    truth: Path | None,
    boxes: Path | None,
    frames: int | None,
    smooth: bool,
    min_cutoff: float,
    beta: float,
    model: str,
    weights: tuple[Path, ...],
    backend: str,
    mode: str,
    threads: int | None,
) -> int:
    """Find facial points in pictures, folders, videos or a camera (its number, such as 0).

    Draws the points of the first stage red, the final ones blue and given truth green. Names in lists
    are paths relative to the folder that is searched, or bare file names. Pictures that cannot be read
    are listed, the others done; then the exit status is 2. Ctrl-C ends a video or a camera; what is
    done is kept.

    \b
    Examples:
      protoface detect photo.jpg --out drawn/
      protoface detect album/ --json points.jsonl
      protoface detect film.mp4 --smooth --out drawn/
    """
    if json_file is not None:
        lists = [path for path in (truth, boxes) if path is not None]
        refuse_inputs([json_file], chain(lists, _read(paths)))
    cascade = load(model, backend, mode, weights, threads)
    given = Given(
        None if truth is None else _truth(truth, cascade),
        None if boxes is None else Matching(read_list(boxes, 4)),
    )
    click.echo(f"{cascade.name}: backend {cascade.backend}, mode {cascade.mode}")
    summary = _Summary(show=out is None and json_file is None)
    with json_lines(json_file) as write:

        def take(seen: Seen) -> None:
            summary.add(seen)
            write(seen)

        smoothing = Smoothing(min_cutoff, beta) if smooth else None
        detect_paths(cascade, paths, take, given, out, frames, _progress, smoothing)
    summary.report(cascade, [path for path in (out, json_file) if path is not None])
    return 2 if summary.wrong else 0


def _read(paths: Sequence[str]) -> Iterator[Path]:
    """The files that paths stand for, as far as they are there."""
    for path in map(Path, paths):
        yield from (picture.path for picture in listed_pictures(path)) if path.is_dir() else [path]


def _truth(path: Path, cascade: Cascade) -> Matching[np.ndarray]:
    entries = read_list(path, 2 * len(cascade.layout))
    return Matching({name: values.reshape(-1, 2) for name, values in entries.items()})


def _progress(pictures: Sequence[Picture]) -> Iterable[Picture]:
    # only where somebody watches, and never for a single picture
    return tqdm(pictures, unit="picture", disable=None if len(pictures) > 1 else True)


class _Summary:
    """What is said while a job runs and in the end: a few numbers, however long it is."""

    def __init__(self, show: bool) -> None:
        self.show, self.done, self.wrong = show, 0, 0
        self.measured, self.errors = 0, np.zeros(())

    def add(self, seen: Seen) -> None:
        """Count what was seen; show what is wrong, and the points if they go nowhere else."""
        if seen.wrong:
            self.wrong += 1
            tqdm.write(f"protoface: {seen.wrong}", file=sys.stderr)
            return
        self.done += 1
        if seen.errors:
            self.measured, self.errors = self.measured + 1, self.errors + np.array(seen.errors)
        if self.show:
            place = seen.path if seen.frame is None else f"{seen.path}:{seen.frame}"
            for face in seen.faces:
                points = "  ".join(f"{x:.1f} {y:.1f}" for x, y in face.points.tolist())
                tqdm.write(f"{place}  {points}", file=sys.stdout)

    def report(self, cascade: Cascade, written: Sequence[Path]) -> None:
        """How many there were, where they went, and the mean error of each stage."""
        click.echo(f"{self.done} done, {self.wrong} could not be read")
        for path in written:
            click.echo(f"written: {path}")
        if self.measured:
            for stage, mean in zip(cascade.stages, self.errors / self.measured, strict=True):
                click.echo(
                    f"{stage.name}: mean error {100 * mean:.3f} % of the picture's diagonal, "
                    f"n = {self.measured}"
                )
