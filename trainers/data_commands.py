"""The verbs `synthesize` and `prepare` of the command line, which need no nets."""

from __future__ import annotations

from pathlib import Path

import click

from .defaults import SIZE

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
    report(done.counts, done.bad, out)
    return 1 if strict and done.bad else 0


def report(counts: dict[str, int], bad: int, out: Path) -> None:
    """Say what a folder holds now, and how many pictures were left out."""
    parts = ", ".join(f"{count} {part}" for part, count in counts.items() if count)
    click.echo(f"{parts or 'no pictures'} in {out}")
    if bad:
        click.echo(f"protoface: {bad} pictures left out, see {out / 'bad.txt'}", err=True)
