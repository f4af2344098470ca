"""The verb `prepare`."""

from __future__ import annotations

from pathlib import Path

import click

from protoface.cascade.commands.pixel_options import set_pixels_option
from protoface.eval.commands.data_options import data_option

from .training_options import out_option, report, resumable, seed_option, strict_option, workers_option


@click.command()
@data_option
@out_option
@workers_option
@click.option(
    "--size",
    type=click.IntRange(min=3),
    default=48,
    show_default=True,
    help="Height and width of the net's input, pixels.",
)
@seed_option
@strict_option
@set_pixels_option
def prepare(data: Path, out: Path, workers: int | None, size: int, seed: int, strict: bool) -> int:
    """Make level 1's training data: whole pictures and labels, as the original made them.

    Run again, it resumes. Pictures that cannot be used are listed in OUT/bad.txt and left out. --seed
    draws the split where there is no list_eval_partition.txt.

    \b
    Example:
      protoface prepare --data celeba/ --out data/level_1
    """
    from ..sets.prepare import prepare as run

    with resumable():
        done = run(data, out, workers, size, seed)
    report(done.counts, done.bad, out)
    return 1 if strict and done.bad else 0
