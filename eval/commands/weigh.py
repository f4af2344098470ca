"""The verb `weigh`."""

from __future__ import annotations

import json
from dataclasses import asdict
from itertools import chain
from pathlib import Path

import click

from protoface.cascade.commands.options import backend_option
from protoface.cascade.commands.pixel_options import set_pixels_option
from protoface.cascade.definition import model_files
from protoface.cascade.measure.machine import machine, versions
from protoface.converters.commands.path_types import FILE_OUT
from protoface.converters.files import refuse_inputs, write_text
from protoface.converters.terminal import say

from ..datasets.dataset import read_dataset
from ..weigh import table
from ..weigh import weigh as weigh_cascades
from .data_options import data_option, partition_option
from .progress import show_progress
from .read_files import set_files


@click.command()
@click.argument("models", nargs=-1, required=True)
@data_option
@partition_option()
@backend_option
@click.option(
    "--runs",
    type=click.IntRange(min=1),
    default=300,
    show_default=True,
    help="How often each time is taken; the median counts.",
)
@click.option(
    "--json",
    "json_file",
    type=FILE_OUT,
    help="File for the rows.",
)
@set_pixels_option
def weigh(
    models: tuple[str, ...],
    data: Path,
    partition: str | None,
    backend: str,
    runs: int,
    json_file: Path | None,
) -> None:
    """Put cascades side by side: bytes of their nets as ONNX, multiply-adds, ms on one thread, error.

    Times are medians for one picture of 640 x 480, all cascades in turn; errors are in % of the eye
    distance.

    \b
    Example:
      protoface weigh original fast accurate --data faces/ --partition test
    """
    if json_file is not None:
        read = chain.from_iterable(map(model_files, models))
        refuse_inputs([json_file], chain(read, set_files(data)))
    dataset = read_dataset(data, partition)
    rows = weigh_cascades(models, dataset, backend, runs, show_progress)
    say(table(rows))
    say(f"\n{dataset.name}, n = {len(dataset)}; errors in % of the eye distance; one thread")
    say(" ".join(f"{key} {value}" for key, value in {**machine(), **versions()}.items()))
    if json_file is not None:
        content = {
            "data": dataset.name,
            "rows": [asdict(row) for row in rows],
            "machine": machine(),
            "versions": versions(),
        }
        write_text(json_file, json.dumps(content, indent=1) + "\n")
