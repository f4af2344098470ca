"""The verb `reproduce`."""

from __future__ import annotations

from pathlib import Path

import click

from ..defaults import DROP
from .conclusion import conclude
from .training_options import FOLDER_IN, FOLDER_OUT, seed_option


@click.command()
@click.option("--celeba", type=FOLDER_IN, required=True, help="CelebA, or a folder in its layout.")
@click.option("--out", type=FOLDER_OUT, default=Path("build/reproduce"), show_default=True)
@click.option("--device", default="cpu", show_default=True, help="cpu or cuda.")
@click.option(
    "--shorten",
    type=click.FloatRange(min=0, max=1, min_open=True),
    default=1.0,
    show_default=True,
    help="Scales the schedule: 0.01 trains 1,000 iterations in place of 100,000.",
)
@click.option("--drop", type=click.FloatRange(min=0, min_open=True), default=DROP, show_default=True)
@seed_option
def reproduce(celeba: Path, out: Path, device: str, shorten: float, drop: float, seed: int) -> int:
    """Train and measure the original's cascade on CelebA; goes on where it was stopped."""
    from ..experiment.reproduce import reproduce as run

    outcome = run(celeba, out, device, shorten, drop, seed, click.echo)
    conclude(outcome)
    return 0 if outcome.agree else 1
