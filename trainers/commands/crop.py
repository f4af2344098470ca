"""The verb `crop`."""

from __future__ import annotations

from pathlib import Path

import click

from protoface.cascade.commands.options import backend_option, mode_option, original_option

from ..defaults import DROP
from .training_options import (
    data_option,
    out_option,
    report,
    seed_option,
    strict_option,
    workers_option,
)


@click.command()
@data_option
@original_option
@click.option(
    "--weights", type=click.Path(path_type=Path), help="Level 1's, in place of those MODEL names."
)
@out_option
@click.option(
    "--drop", type=click.FloatRange(min=0, min_open=True), default=DROP, show_default=True,
    help="Leave out pictures with such a level-1 error, of the diagonal; the author prefers 0.05.",
)  # fmt: skip
@backend_option
@mode_option
@workers_option
@seed_option
@strict_option
def crop(
    data: Path,
    model: str,
    weights: Path | None,
    out: Path,
    drop: float,
    backend: str,
    mode: str,
    workers: int | None,
    seed: int,
    strict: bool,
) -> int:
    """Make level 2's training data: what a trained level 1 makes the cascade look at next.

    The window is the one MODEL names; --mode faithful repeats the original's rounding and the pixel its
    labels are off by. Goes on where it was stopped. --seed as for prepare.
    """
    from ..sets.crop import crop as run
    from ..sets.crop import load_levels

    done = run(data, load_levels(model, weights, backend, mode), out, drop, workers, seed)
    report(done.counts, done.bad, out)
    click.echo(
        f"{done.dropped} dropped for an error of {100 * drop:g} % of the diagonal or more "
        f"({out / 'dropped.txt'}); level 1's mean error is {100 * done.errors.mean():.2f} %: "
        f"{done.histogram}"
    )
    return 1 if strict and done.bad else 0
