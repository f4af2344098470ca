"""The verb `test`, named as in Caffe."""

from __future__ import annotations

import json
from pathlib import Path

import click

from protoface.converters.commands.path_types import FILE_IN
from protoface.converters.files import write_text
from protoface.converters.terminal import say

from .training_options import device_option, dtype_option, json_option, model_option


@click.command()
@model_option
@click.option("--weights", type=FILE_IN, required=True, help="Its .caffemodel, .caffemodel.h5 or .pt.")
@click.option(
    "--iterations", type=click.IntRange(1), default=50, show_default=True, help="How many batches."
)
@device_option
@dtype_option
@json_option
def test(
    model: Path,
    weights: Path,
    iterations: int,
    device: str,
    dtype: str,
    json_file: Path | None,
) -> None:
    """Run the TEST phase of a net over batches of its data and print the mean of every output blob.

    \b
    Example:
      protoface test --model prototxt/level_1/train_val.prototxt --weights level_1.caffemodel
    """
    from ..solver.score import score
    from ..solver.training_log import flat_scores

    result = score(model, weights, iterations, device, dtype)
    say(f"loss = {result.loss:.8g} (weighted), mean of {iterations} batches")
    for name, value in flat_scores([result.outputs]).items():
        say(f"{name} = {value:.8g}")
    if json_file is not None:
        write_text(json_file, json.dumps(result.to_json(), indent=1) + "\n")
