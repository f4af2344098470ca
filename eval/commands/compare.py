"""The verb `compare`."""

from __future__ import annotations

import json
from functools import partial
from itertools import chain
from pathlib import Path

import click

from protoface.cascade.cascade import load
from protoface.cascade.commands.options import (
    backend_option,
    mode_option,
    original_option,
    outside_option,
    weights_option,
)
from protoface.cascade.definition import find_definition, model_files, read_definition, weight_files
from protoface.cascade.measure.machine import machine, versions
from protoface.cascade.measure.step_times import measure, random_pictures
from protoface.converters.commands.path_types import FILE_OUT, FOLDER_IN
from protoface.converters.files import refuse_inputs, write_text
from protoface.converters.terminal import say

from ..compare import as_markdown, as_text
from ..compare import compare as compare_rows
from ..datasets.dataset import read_dataset
from .progress import show_progress
from .read_files import set_files


@click.command()
@click.option("--celeba", type=FOLDER_IN, help="CelebA, or a folder like it. Default: no errors.")
@original_option
@weights_option
@outside_option
@backend_option
@mode_option
@click.option("--markdown", is_flag=True, help="Print the table as markdown instead of plain text.")
@click.option("--json", "json_file", type=FILE_OUT, help="Write the rows to this file, too.")
def compare(
    celeba: Path | None,
    model: str,
    weights: tuple[Path, ...],
    outside: bool,
    backend: str,
    mode: str,
    markdown: bool,
    json_file: Path | None,
) -> int:
    """Put the published experiment beside what is measured here, row by row with what differs.

    \b
    Example:
      protoface compare --celeba celeba/ --model my_cascade
    """
    if json_file is not None:
        pictures = () if celeba is None else set_files(celeba)
        refuse_inputs([json_file], chain(model_files(model, weights, outside), pictures))
    path = find_definition(model, outside)
    files = weight_files(read_definition(path, outside), path.parent, weights)
    cascade = load(model, backend, mode, files, threads=1, outside=outside)
    timings = measure([cascade], random_pictures(), [1], runs=100, threads=1)
    data = None if celeba is None else partial(read_dataset, celeba)
    rows = compare_rows(cascade, files, data, timings, machine()["processor"], show_progress)
    say(as_markdown(rows) if markdown else as_text(rows))
    if json_file is not None:
        content = {
            "rows": [row.as_json() for row in rows],
            "machine": machine(),
            "versions": versions(),
        }
        write_text(json_file, json.dumps(content, indent=1) + "\n")
    return 0
