"""The verbs `synthesize`, `prepare`, `crop`, `demo` and `reproduce` of the command line."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from protoface.cascade.options import backend_option, mode_option, original_option

from .defaults import DROP, SIZE

if TYPE_CHECKING:
    from .experiment import Outcome

_FOLDER = click.Path(file_okay=False, path_type=Path)
_HERE = click.Path(exists=True, file_okay=False, path_type=Path)

data_option = click.option(
    "--data", type=_HERE, required=True, help="A folder in CelebA's layout; see docs/data.md."
)
out_option = click.option("--out", type=_FOLDER, required=True, help="The folder to write.")
workers_option = click.option(
    "--workers", type=click.IntRange(min=1), help="How many at a time; default: one a core."
)
seed_option = click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
strict_option = click.option("--strict", is_flag=True, help="Status 1 if a picture had to be left out.")


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
    from .synthetic import write_faces

    write_faces(out, count, seed, size, workers, views)
    click.echo(f"{count} faces of seed {seed}: {out}")


@click.command()
@data_option
@out_option
@workers_option
@click.option(
    "--size", type=click.IntRange(min=3), default=48, show_default=True, help="The net's input, pixels."
)
@seed_option
@strict_option
def prepare(data: Path, out: Path, workers: int | None, size: int, seed: int, strict: bool) -> int:
    """Make level 1's training data: whole pictures and labels, as the original made them.

    Goes on where it was stopped. Pictures that cannot be used are listed in OUT/bad.txt; the job goes
    on. --seed draws the split where there is no list_eval_partition.txt.
    """
    from .prepare import prepare as run

    done = run(data, out, workers, size, seed)
    _report(done.counts, done.bad, out)
    return 1 if strict and done.bad else 0


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
    _report(done.counts, done.bad, out)
    click.echo(
        f"{done.dropped} dropped for an error of {100 * drop:g} % of the diagonal or more "
        f"({out / 'dropped.txt'}); level 1's mean error is {100 * done.errors.mean():.2f} %: "
        f"{done.histogram}"
    )
    return 1 if strict and done.bad else 0


def _report(counts: dict[str, int], bad: int, out: Path) -> None:
    parts = ", ".join(f"{count} {part}" for part, count in counts.items() if count)
    click.echo(f"{parts or 'no pictures'} in {out}")
    if bad:
        click.echo(f"protoface: {bad} pictures left out, see {out / 'bad.txt'}", err=True)


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
