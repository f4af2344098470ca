"""Options that several verbs of training share, each said once; no net is imported for them."""

from __future__ import annotations

from pathlib import Path

import click

FILE_IN = click.Path(exists=True, dir_okay=False, path_type=Path)
FILE_OUT = click.Path(dir_okay=False, path_type=Path)
FOLDER_IN = click.Path(exists=True, file_okay=False, path_type=Path)
FOLDER_OUT = click.Path(file_okay=False, path_type=Path)

data_option = click.option(
    "--data", type=FOLDER_IN, required=True, help="A folder in CelebA's layout; see docs/data.md."
)
out_option = click.option("--out", type=FOLDER_OUT, required=True, help="The folder to write.")
workers_option = click.option(
    "--workers", type=click.IntRange(min=1), help="How many at a time; default: one a core."
)
seed_option = click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
strict_option = click.option("--strict", is_flag=True, help="Status 1 if a picture had to be left out.")
model_option = click.option("--model", type=FILE_IN, required=True, help="The net, a prototxt.")
device_option = click.option("--device", help="cpu or cuda.", default="cpu", show_default=True)
dtype_option = click.option(
    "--dtype", type=click.Choice(["float32", "float64"]), default="float32", show_default=True
)
threads_option = click.option(
    "--threads", type=click.IntRange(1), help="CPU threads; default: PyTorch's choice."
)
json_option = click.option("--json", "json_file", type=FILE_OUT, help="Write the result as JSON, too.")


def report(counts: dict[str, int], bad: int, out: Path) -> None:
    """Say what a folder of training data holds now, and how many pictures were left out."""
    parts = ", ".join(f"{count} {part}" for part, count in counts.items() if count)
    click.echo(f"{parts or 'no pictures'} in {out}")
    if bad:
        click.echo(f"protoface: {bad} pictures left out, see {out / 'bad.txt'}", err=True)
