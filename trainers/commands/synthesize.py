"""The verb `synthesize`."""

from __future__ import annotations

from pathlib import Path

import click

from ..defaults import SIZE
from .training_options import out_option, seed_option, workers_option


@click.command()
@out_option
@click.option("--count", type=click.IntRange(min=1), default=10_000, show_default=True)
@click.option(
    "--views",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Pictures of each face, mirrored, turned, moved and scaled.",
)
@click.option(
    "--size", type=click.IntRange(min=32), default=SIZE, show_default=True, help="Longer side, pixels."
)
@workers_option
@seed_option
def synthesize(out: Path, count: int, views: int, size: int, workers: int | None, seed: int) -> None:
    """Draw faces with exact points into a folder in CelebA's layout."""
    from ..drawn.faces import write_faces

    write_faces(out, count, seed, size, workers, views)
    click.echo(f"{count} faces of seed {seed}: {out}")
