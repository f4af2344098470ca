"""The verb `crops`."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from itertools import islice
from pathlib import Path

import click

from protoface.converters.commands.path_types import FOLDER_OUT, PATH_IN
from protoface.converters.errors import ProtofaceError
from protoface.converters.stopping import stopping
from protoface.converters.terminal import say

from ..alignment import SIDE
from ..cascade import Cascade, load
from ..definition import find_definition, model_files
from ..detect import How, detect_sources
from ..face_crops import FaceCrops, check_crops
from ..inputs import Sources, find_sources
from ..results import Seen
from ..resume import Job, fingerprint, listed, resumable
from .detect import NAMED, bar
from .options import (
    backend_option,
    mode_option,
    model_option,
    outside_option,
    threads_option,
    weights_option,
)
from .pixel_options import max_pixels_option

#: Pixels of the side of a face that is not aligned: facenet-pytorch's.
SQUARE = 160


@click.command()
@click.argument("paths", nargs=-1, required=True, type=PATH_IN)
@click.option("--out", type=FOLDER_OUT, required=True, help="Folder for the faces, PNG.")
@click.option(
    "--size",
    type=click.IntRange(16, 1024),
    help=f"Height and width of a face, pixels; default: {SIDE} with --align, else {SQUARE}.",
)
@click.option(
    "--align",
    is_flag=True,
    help="Turn each face upright by five points, to where ArcFace and most recognition nets expect "
    "them; default: cut out its box.",
)
@click.option(
    "--margin",
    type=click.FloatRange(min=0),
    default=0,
    show_default=True,
    help="Without --align: pixels of the result around the box, half of them on each side.",
)
@click.option(
    "--resume",
    is_flag=True,
    help="Go on with an interrupted run of the same command; what it did is not done again.",
)
@model_option
@weights_option
@outside_option
@backend_option
@mode_option
@threads_option
@max_pixels_option
def crops(
    paths: tuple[Path, ...],
    out: Path,
    size: int | None,
    align: bool,
    margin: float,
    resume: bool,
    model: str,
    weights: tuple[Path, ...],
    outside: bool,
    backend: str,
    mode: str,
    threads: int | None,
    max_pixels: int,
) -> int:
    """Cut every face out of pictures and folders, for recognition and the like.

    The first face of album/photo.jpg is OUT/photo_0.png, the next one photo_1.png. Pictures without a
    face are named at the end. Pictures that cannot be read are listed, the others done; then the exit
    status is 2. Videos are left out. (For training data of level 2 there is `protoface crop`.)

    \b
    Examples:
      protoface crops album/ --out faces/ --align
      protoface crops photo.jpg --out faces/ --size 160 --margin 14
    """
    if align and margin:
        raise click.UsageError("--margin is for faces that are not aligned; leave out one of both")
    find_definition(model, outside)  # a wrong name is said at once
    sources = _pictures(paths)
    check_crops(sources, out)
    cascade = load(model, backend, mode, weights, threads, outside)
    how = How(out=out, max_pixels=max_pixels)
    cut = FaceCrops(cascade.layout, size or (SIDE if align else SQUARE), align, margin)
    say(f"{cascade.name}: backend {cascade.backend}, mode {cascade.mode}")
    journal = out / ".crops.part" if len(sources.items) > 1 else None
    if resume and journal is None:
        raise ProtofaceError("--resume needs several pictures")
    files = model_files(model, weights, outside) if journal else []
    resuming = resumable(journal, _settings(sources, cascade.backend, files), resume)
    return _run(cascade, sources, replace(how, copies=cut.copies), resuming)


def _pictures(paths: Sequence[Path]) -> Sources:
    """What is found, videos among what is skipped. Raises ProtofaceError where no picture is."""
    sources = find_sources(map(str, paths))
    if not sources.pictures:
        raise click.UsageError(f"{paths[0]}: no pictures there; crops takes no videos")
    skipped = {video.path: "a video" for video in sources.videos}
    return Sources(sources.pictures, (), {**sources.skipped, **skipped})


def _settings(sources: Sources, backend: str, files: Sequence[Path]) -> dict[str, object]:
    """All that changes results: it must be the same when an interrupted job goes on."""
    given = click.get_current_context().params
    return {
        **{name: given[name] for name in ("size", "align", "margin", "mode", "max_pixels")},
        "out": str(given["out"]),
        "backend": backend,
        "model": fingerprint(files),
        "sources": listed(sources),
    }


def _run(cascade: Cascade, sources: Sources, how: How, resuming: AbstractContextManager[Job]) -> int:
    """Cut faces out and say how it went; the exit status."""
    summary = _Summary()
    with stopping() as stop, resuming as job:
        done = job.replay(summary.add)
        detect_sources(cascade, sources, job.noting(summary.add), how, done, stop, bar)
        if not stop:
            job.finish()
        summary.report(sources, how.out)
        if stop and job.journal is not None:
            say("the same command with --resume goes on")
    return 2 if summary.wrong else 0


class _Summary:
    """What is said while a job runs and in the end."""

    def __init__(self) -> None:
        self.pictures, self.faces, self.wrong = 0, 0, 0
        self.without: list[str] = []

    def add(self, seen: Seen) -> None:
        """Count what was seen; show what is wrong."""
        if seen.wrong:
            self.wrong += 1
            say(f"protoface: {seen.wrong}", err=True)
            return
        self.pictures += 1
        self.faces += len(seen.rows)
        if not seen.rows:
            self.without.append(seen.path)

    def report(self, sources: Sources, out: Path | None) -> None:
        """How many there were, in which pictures there are none, and what was left out."""
        skipped = f", {len(sources.skipped)} skipped" if sources.skipped else ""
        say(
            f"{self.faces} faces in {self.pictures} pictures, {len(self.without)} of them without a "
            f"face, {self.wrong} could not be read{skipped}"
        )
        _name("no face found", self.without)
        _name("skipped", [f"{path}: {why}" for path, why in sources.skipped.items()])
        if self.faces:
            say(f"written: {out}")


def _name(what: str, names: Sequence[str]) -> None:
    for name in islice(names, NAMED):
        say(f"{what}: {name}")
    if len(names) > NAMED:
        say(f"{what}: {len(names) - NAMED} more")
