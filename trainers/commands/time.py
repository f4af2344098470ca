"""The verb `time`, named as in Caffe."""

from __future__ import annotations

import json
from pathlib import Path

import click

from protoface.converters.commands.path_types import FILE_IN
from protoface.converters.files import write_text
from protoface.converters.terminal import say

from .training_options import device_option, dtype_option, json_option, model_option, threads_option


@click.command()
@model_option
@click.option(
    "--weights",
    type=FILE_IN,
    help="Its weights; they do not change the times. Default: random.",
)
@click.option(
    "--iterations", type=click.IntRange(1), default=50, show_default=True, help="How many passes."
)
@click.option("--batch", type=click.IntRange(1), help="Pictures at once. Default: the net's own.")
@threads_option
@device_option
@dtype_option
@json_option
def time(
    model: Path,
    weights: Path | None,
    iterations: int,
    batch: int | None,
    threads: int | None,
    device: str,
    dtype: str,
    json_file: Path | None,
) -> None:
    """Time training passes, forward and backward, per layer and in all, on random pictures.

    \b
    Example:
      protoface time --model prototxt/level_1/train_val.prototxt --batch 64 --threads 1
    """
    from protoface.cascade.measure.machine import machine, versions

    from ..net.device import use_threads
    from ..solver.timing import table, time_net

    use_threads(threads)
    result = time_net(model, weights, iterations, device, dtype, batch)
    say(table(result))
    if json_file is not None:
        content = {**result.to_json(), "machine": machine(), "versions": versions()}
        write_text(json_file, json.dumps(content, indent=1) + "\n")
