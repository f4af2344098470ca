"""The verb `detect` of the command line; `bench` is in `bench.py`, which is a script of its own too."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import click
import numpy as np
from tqdm import tqdm

from ..cascade import Cascade, load
from ..detect import Given, Results, detect_paths, write_json
from ..lists import read_list
from ..video.smoothing import Smoothing
from .options import backend_option, mode_option, model_option, threads_option, weights_option

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@click.argument("paths", nargs=-1, required=True)
@click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path), help="Folder for drawn pictures."
)
@click.option(
    "--json", "json_file", type=click.Path(dir_okay=False, path_type=Path), help="Points as JSON."
)
@click.option(
    "--truth", type=_FILE, help="List of true points (name x1 y1 ...): drawn green, error printed."
)
@click.option("--boxes", type=_FILE, help="List of boxes (name x y width height) for the first stage.")
@click.option("--frames", type=click.IntRange(min=1), help="End a video or a camera after so many.")
@click.option("--smooth", is_flag=True, help="Steady the final points of a video (one-euro filter).")
@click.option(
    "--min-cutoff",
    type=click.FloatRange(min=0, min_open=True),
    default=Smoothing.min_cutoff,
    show_default=True,
    help="With --smooth, Hz: lower trembles less.",
)
@click.option(
    "--beta",
    type=click.FloatRange(min=0),
    default=Smoothing.beta,
    show_default=True,
    help="With --smooth, Hz for each face size per second: higher lags less.",
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

    Draws level-1 points red, the final ones blue and given truth green. Pictures that cannot be read
    are listed, the others done; then the exit status is 2. Ctrl-C ends a camera.
    """
    cascade = load(model, backend, mode, weights, threads)
    given = Given(
        truth=_truth(truth, cascade) if truth else {},
        boxes=read_list(boxes, 4) if boxes else {},
    )
    click.echo(f"{cascade.name}: backend {cascade.backend}, mode {cascade.mode}")
    smoothing = Smoothing(min_cutoff, beta) if smooth else None
    results = detect_paths(cascade, paths, given, out, frames, _progress, smoothing)
    if json_file is not None:
        write_json(json_file, results)
    _report(results, cascade, out, json_file)
    return 2 if results.bad else 0


def _truth(path: Path, cascade: Cascade) -> dict[str, np.ndarray]:
    entries = read_list(path, 2 * len(cascade.points))
    return {name: values.reshape(-1, 2) for name, values in entries.items()}


def _progress(pictures: Sequence[Path]) -> Iterator[Path]:
    # only where somebody watches, and never for a single picture
    return iter(tqdm(pictures, unit="picture", disable=None if len(pictures) > 1 else True))


def _report(results: Results, cascade: Cascade, out: Path | None, json_file: Path | None) -> None:
    for line in results.bad:
        click.echo(f"protoface: {line}", err=True)
    if out is None and json_file is None:
        for row in results.entries:
            place = f"{row['path']}:{row['frame']}" if "frame" in row else row["path"]
            points = "  ".join(f"{x:.1f} {y:.1f}" for x, y in row["points"])
            click.echo(f"{place}  {points}")
    click.echo(f"{len(results.entries)} done, {len(results.bad)} could not be read")
    for path in filter(None, (out, json_file)):
        click.echo(f"written: {path}")
    if results.errors:
        means = np.mean(results.errors, axis=0)
        for stage, mean in zip(cascade.stages, means, strict=True):
            click.echo(
                f"{stage.name}: mean error {100 * mean:.3f} % of the picture's diagonal, "
                f"n = {len(results.errors)}"
            )
