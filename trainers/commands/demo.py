"""The verb `demo`."""

from __future__ import annotations

from pathlib import Path

import click

from protoface.converters.commands.path_types import FOLDER_OUT
from protoface.converters.terminal import say

from .conclusion import conclude
from .training_options import resumable, seed_option


@click.command()
@click.option(
    "--out", type=FOLDER_OUT, default=Path("build/demo"), show_default=True, help="Folder to write."
)
@click.option("--faces", type=click.IntRange(min=100), help="How many faces to draw. Default: 8000.")
@seed_option
def demo(out: Path, faces: int | None, seed: int) -> int:
    """Run the whole experiment on drawn faces: no download, no GPU, some minutes.

    Run again, it resumes. Status 1 if level 1, the cascade or a converted file is not as good as it
    must be.

    \b
    Example:
      protoface demo --out build/demo --faces 2000
    """
    from ..experiment.demo import FACES, failures
    from ..experiment.demo import demo as run

    with resumable():
        outcome = run(out, faces or FACES, seed, say)
    conclude(outcome)
    failed = failures(outcome)
    for line in failed:
        say(f"protoface: {line}", err=True)
    return 1 if failed else 0
