"""The verb `reproduce`."""

from __future__ import annotations

from pathlib import Path

import click

from protoface.converters.commands.path_types import FOLDER_IN, FOLDER_OUT
from protoface.converters.terminal import say

from .conclusion import conclude
from .training_options import device_option, drop_option, resumable, seed_option


@click.command()
@click.option(
    "--celeba",
    type=FOLDER_IN,
    required=True,
    help="CelebA, or a folder laid out like it.",
)
@click.option(
    "--out",
    type=FOLDER_OUT,
    default=Path("build/reproduce"),
    show_default=True,
    help="Folder to write.",
)
@device_option
@click.option(
    "--shorten",
    type=click.FloatRange(min=0, max=1, min_open=True),
    default=1.0,
    show_default=True,
    help="Fraction of the iterations: 0.01 trains 1,000 instead of 100,000.",
)
@drop_option
@seed_option
def reproduce(celeba: Path, out: Path, device: str, shorten: float, drop: float, seed: int) -> int:
    """Train and measure the original's cascade on CelebA. Run again, it resumes.

    \b
    Example:
      protoface reproduce --celeba celeba/ --device cuda
    """
    from ..experiment.reproduce import reproduce as run

    with resumable():
        outcome = run(celeba, out, device, shorten, drop, seed, say)
    conclude(outcome)
    return 0 if outcome.agree else 1
