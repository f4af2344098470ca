"""The verb `synthesize`."""

from __future__ import annotations

from pathlib import Path

import click

from protoface.converters.terminal import say

from ..defaults import DRAWN_LAYOUTS, SIZE
from .training_options import out_option, resumable, seed_option, workers_option


@click.command()
@out_option
@click.option(
    "--count",
    type=click.IntRange(min=1),
    default=10_000,
    show_default=True,
    help="How many faces; about four fifths of them are for training.",
)
@click.option(
    "--views",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Pictures of each training face, mirrored, turned, moved and scaled.",
)
@click.option(
    "--size",
    type=click.IntRange(min=32),
    default=SIZE,
    show_default=True,
    help="A picture's longer side in pixels.",
)
@click.option(
    "--layout",
    type=click.Choice(DRAWN_LAYOUTS),
    default=DRAWN_LAYOUTS[0],
    show_default=True,
    help="Which points. The files: celeba5 as CelebA, ibug68 and ibug77 as 300-W, wflw98 as WFLW.",
)
@workers_option
@seed_option
def synthesize(
    out: Path, count: int, views: int, size: int, layout: str, workers: int | None, seed: int
) -> None:
    """Draw faces with exact points into a folder; see docs/data.md.

    After an interruption the same command resumes.

    \b
    Example:
      protoface synthesize --out build/faces --count 2000 --layout ibug68
    """
    from ..drawn.folders import write_faces

    with resumable():
        write_faces(out, count, seed, size, workers, views, layout=layout)
    say(f"{count} faces of seed {seed}: {out}")
