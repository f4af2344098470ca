"""The verbs `crop`, `demo` and `reproduce` of the command line; before them comes `data_commands`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from protoface.cascade.options import backend_option, mode_option, original_option

from .data_commands import data_option, out_option, report, seed_option, strict_option, workers_option
from .defaults import DROP

if TYPE_CHECKING:
    from .experiment import Outcome

_FOLDER = click.Path(file_okay=False, path_type=Path)
_HERE = click.Path(exists=True, file_okay=False, path_type=Path)


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
    from .crop import crop as run
    from .crop import load_levels

    done = run(data, load_levels(model, weights, backend, mode), out, drop, workers, seed)
    report(done.counts, done.bad, out)
    click.echo(
        f"{done.dropped} dropped for an error of {100 * drop:g} % of the diagonal or more "
        f"({out / 'dropped.txt'}); level 1's mean error is {100 * done.errors.mean():.2f} %: "
        f"{done.histogram}"
    )
    return 1 if strict and done.bad else 0


@click.command()
@click.option("--out", type=_FOLDER, default=Path("build/demo"), show_default=True)
@click.option("--faces", type=click.IntRange(min=100), help="How many to draw; default: 8000.")
@seed_option
def demo(out: Path, faces: int | None, seed: int) -> int:
    """Run the whole experiment on drawn faces: no download, no GPU, minutes.

    Goes on where it was stopped. Status 1 if level 1, the cascade or a converted file is worse than it
    must be.
    """
    from .demo import FACES, failures
    from .demo import demo as run

    outcome = run(out, faces or FACES, seed, click.echo)
    _conclude(outcome)
    failed = failures(outcome)
    for line in failed:
        click.echo(f"protoface: {line}", err=True)
    return 1 if failed else 0


@click.command()
@click.option("--celeba", type=_HERE, required=True, help="CelebA, or a folder in its layout.")
@click.option("--out", type=_FOLDER, default=Path("build/reproduce"), show_default=True)
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
    from .reproduce import reproduce as run

    outcome = run(celeba, out, device, shorten, drop, seed, click.echo)
    _conclude(outcome)
    return 0 if outcome.agree else 1


def _conclude(outcome: Outcome) -> None:
    from protoface.eval.compare import as_text

    from .experiment import error_lines

    click.echo(as_text(outcome.rows))
    for line in error_lines(outcome):
        click.echo(line)
    click.echo(f"written: {outcome.results}, {outcome.picture}")
