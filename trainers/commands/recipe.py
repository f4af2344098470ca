"""The verb `recipe`."""

from __future__ import annotations

from pathlib import Path

import click

from protoface.converters.commands.path_types import FILE_IN
from protoface.converters.terminal import say

from .training_options import device_option, out_option, resumable, threads_option


@click.command()
@click.argument("recipe", type=FILE_IN)
@out_option
@click.option(
    "--epochs-factor",
    type=click.FloatRange(min=0, min_open=True),
    help="Multiply the epochs of all stages, for a trial. Default: the recipe's epochs_factor, or 1.",
)
@click.option("--seed", type=click.IntRange(0), help="Default: the recipe's seed, or 0.")
@click.option(
    "--outside",
    is_flag=True,
    help="Trust files outside of RECIPE's folder that it names by absolute paths, .. or links.",
)
@device_option
@threads_option
def recipe(
    recipe: Path,
    out: Path,
    epochs_factor: float | None,
    seed: int | None,
    outside: bool,
    device: str,
    threads: int | None,
) -> None:
    """Train a whole cascade, stage by stage, as the file RECIPE says; see docs/recipes.md.

    Run again, it resumes from the last snapshot in OUT. Paths of pictures in RECIPE are relative to the
    working directory.

    \b
    Example:
      protoface recipe trainers/recipes/fast.prototxt --out build/models/fast
    """
    from ..net.device import use_threads
    from ..recipe.recipe_trainer import train_recipe

    use_threads(threads)
    with resumable():
        train_recipe(recipe, out, seed, device, threads, epochs_factor, say, outside)
    say(f"the cascade is in {out}")
