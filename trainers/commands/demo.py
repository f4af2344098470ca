"""The verb `demo`."""

from __future__ import annotations

from pathlib import Path

import click

from .conclusion import conclude
from .training_options import FOLDER_OUT, seed_option


@click.command()
@click.option("--out", type=FOLDER_OUT, default=Path("build/demo"), show_default=True)
@click.option("--faces", type=click.IntRange(min=100), help="How many to draw; default: 8000.")
@seed_option
def demo(out: Path, faces: int | None, seed: int) -> int:
    """Run the whole experiment on drawn faces: no download, no GPU, minutes.

    Goes on where it was stopped. Status 1 if level 1, the cascade or a converted file is worse than it
    must be.
    """
    from ..experiment.demo import FACES, failures
    from ..experiment.demo import demo as run

    outcome = run(out, faces or FACES, seed, click.echo)
    conclude(outcome)
    failed = failures(outcome)
    for line in failed:
        click.echo(f"protoface: {line}", err=True)
    return 1 if failed else 0
