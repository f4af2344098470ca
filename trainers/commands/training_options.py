"""Options that several verbs of training share; PyTorch is not imported for them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from protoface.converters.commands.path_types import FILE_IN, FILE_OUT, FOLDER_OUT
from protoface.converters.terminal import say

from ..defaults import DROP

out_option = click.option("--out", type=FOLDER_OUT, required=True, help="The folder to write.")
workers_option = click.option(
    "--workers", type=click.IntRange(min=1), help="Processes at work. Default: one for each core."
)
seed_option = click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Start of the random numbers; the same seed gives the same result.",
)
strict_option = click.option("--strict", is_flag=True, help="Status 1 if a picture had to be left out.")
drop_option = click.option(
    "--drop",
    type=click.FloatRange(min=0, min_open=True),
    default=DROP,
    show_default=True,
    help="Leave out pictures whose level-1 error is at least this fraction of the picture's diagonal; "
    "the author of the original came to recommend 0.05.",
)
model_option = click.option("--model", type=FILE_IN, required=True, help="The net, a prototxt.")
device_option = click.option(
    "--device", help="Where to compute: cpu or cuda.", default="cpu", show_default=True
)
dtype_option = click.option(
    "--dtype",
    type=click.Choice(["float32", "float64"]),
    default="float32",
    show_default=True,
    help="Type of the numbers.",
)
threads_option = click.option(
    "--threads", type=click.IntRange(1), help="CPU threads. Default: PyTorch's choice."
)
json_option = click.option("--json", "json_file", type=FILE_OUT, help="Write the result here, too.")


def report(counts: dict[str, int], bad: int, out: Path) -> None:
    """Print what a folder of training data holds, and how many pictures were left out."""
    parts = ", ".join(f"{count} {part}" for part, count in counts.items() if count)
    say(f"{parts or 'no pictures'} in {out}")
    if bad:
        say(f"protoface: {bad} pictures left out, see {out / 'bad.txt'}", err=True)


@contextmanager
def resumable() -> Iterator[None]:
    """Say after an interruption that nothing is lost."""
    try:
        yield
    except KeyboardInterrupt:
        say("stopped; the same command resumes", err=True)
        raise
