"""The verb `crop`."""

from __future__ import annotations

from pathlib import Path

import click

from protoface.cascade.commands.options import (
    backend_option,
    mode_option,
    original_option,
    outside_option,
)
from protoface.cascade.commands.pixel_options import set_pixels_option
from protoface.converters.commands.path_types import PATH_IN
from protoface.converters.terminal import say
from protoface.eval.commands.data_options import data_option

from .training_options import (
    drop_option,
    out_option,
    report,
    resumable,
    seed_option,
    strict_option,
    workers_option,
)


@click.command()
@data_option
@original_option
@click.option(
    "--weights",
    type=PATH_IN,
    help="Weights of level 1. Default: those that the cascade names.",
)
@outside_option
@out_option
@drop_option
@backend_option
@mode_option
@workers_option
@seed_option
@strict_option
@set_pixels_option
def crop(
    data: Path,
    model: str,
    weights: Path | None,
    outside: bool,
    out: Path,
    drop: float,
    backend: str,
    mode: str,
    workers: int | None,
    seed: int,
    strict: bool,
) -> int:
    """Make level 2's training data: the windows of level 2 around the points that level 1 finds.

    (Faces of pictures as pictures of their own: `protoface crops`.)

    --model names the cascade. --mode faithful repeats the original's rounding, and the one pixel by
    which its labels are off. Run again, it resumes. --seed draws the split where there is no
    list_eval_partition.txt; give that of `prepare`.

    \b
    Example:
      protoface crop --data celeba/ --model my_cascade --out data/level_2
    """
    from ..sets.crop import crop as run
    from ..sets.crop import load_levels

    levels = load_levels(model, weights, backend, mode, outside)
    with resumable():
        done = run(data, levels, out, drop, workers, seed)
    report(done.counts, done.bad, out)
    say(
        f"{done.dropped} dropped for an error of {100 * drop:g} % of the diagonal or more "
        f"({out / 'dropped.txt'}); level 1's mean error is {100 * done.errors.mean():.2f} %: "
        f"{done.histogram}"
    )
    return 1 if strict and done.bad else 0
