"""The verb `quantize`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click
import numpy as np

from protoface.cascade.commands.options import (
    model_option,
    outside_option,
    weights_option,
)
from protoface.cascade.commands.pixel_options import set_pixels_option
from protoface.cascade.definition import FILE
from protoface.converters.commands.path_types import FOLDER_OUT
from protoface.converters.int8 import quantised_layers
from protoface.converters.terminal import say

from ..datasets.dataset import read_dataset
from ..quantize import CONVERTERS, Quantised, evenly, quantize_cascade
from .data_options import data_option, partition_option
from .progress import show_progress


@click.command()
@model_option
@weights_option
@outside_option
@data_option
@partition_option("train")
@click.option(
    "--pictures",
    type=click.IntRange(min=16),
    default=512,
    show_default=True,
    help="How many pictures set the ranges, evenly chosen.",
)
@click.option(
    "--type",
    "kind",
    type=click.Choice(list(CONVERTERS)),
    default="int8",
    show_default=True,
    help="What the new nets compute in.",
)
@click.option("--out", type=FOLDER_OUT, required=True, help="Folder of the new cascade.")
@set_pixels_option
def quantize(
    model: str,
    weights: tuple[Path, ...],
    outside: bool,
    data: Path,
    partition: str,
    pictures: int,
    kind: str,
    out: Path,
) -> int:
    """Write a cascade with nets in int8 (or float16), and say what that costs.

    Pictures of DATA, evenly chosen, go through the cascade; what its nets see sets the ranges of their
    integers. The new cascade is compared with the old one on the same pictures.

    \b
    Example:
      protoface quantize --model fast --data faces/ --out fast-int8
    """
    dataset = evenly(read_dataset(data, partition), pictures)
    done = quantize_cascade(model, out, dataset, kind, weights, show_progress, outside)
    for line in done.measured.skipped:
        say(f"protoface: {line}", err=True)
    for line in _report(done, kind):
        say(line)
    say(f"written: {out / FILE}")
    return 2 if done.measured.skipped else 0


def _report(done: Quantised, kind: str) -> Sequence[str]:
    lines, totals = [], [0, 0]
    for net in done.nets:
        sizes = [len(model.SerializeToString()) for model in (net.before, net.after)]
        totals = [total + size for total, size in zip(totals, sizes, strict=True)]
        count = (
            "{} of {} layers in int8, ".format(*quantised_layers(net.after)) if kind == "int8" else ""
        )
        lines.append(f"{', '.join(net.stages)}: {count}ONNX of {sizes[0]:,} -> {sizes[1]:,} bytes")
    lines.append(f"all nets: {totals[0]:,} -> {totals[1]:,} bytes")
    last = len(done.measured.levels) - 1
    errors = [run.summary("inter_ocular", last) for run in (done.measured, done.again)]
    means = " -> ".join(f"{100 * error.mean:.3f}" if error else "?" for error in errors)
    moved = 100 * done.moved if len(done.moved) else np.array([np.nan])
    lines.append(
        f"{done.measured.dataset.name}, {len(done.moved)} pictures, % of the eye distance: points move "
        f"by {moved.mean():.3f} in the mean, {moved.max():.3f} at most; mean error {means}"
    )
    return lines
