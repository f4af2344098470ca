"""The verbs `quantize` and `weigh` of the command line."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import click

from protoface.cascade.definition import FILE
from protoface.cascade.machine import machine, versions
from protoface.cascade.options import backend_option, model_option, weights_option
from protoface.converters.files import write_text
from protoface.converters.int8 import quantised_layers

from .commands import show_progress
from .datasets import PARTITIONS, read_dataset
from .quantize import CONVERTERS, Quantised, evenly, quantize_cascade
from .weigh import table
from .weigh import weigh as weigh_cascades

_FOLDER = click.Path(file_okay=False, path_type=Path)
_PARTITION = click.Choice(list(PARTITIONS))


@click.command()
@model_option
@weights_option
@click.option("--data", type=_FOLDER, required=True, help="Pictures as `protoface eval` reads them.")
@click.option("--partition", type=_PARTITION, default="train", show_default=True)
@click.option("--pictures", type=click.IntRange(min=16), default=512, show_default=True)
@click.option("--type", "kind", type=click.Choice(list(CONVERTERS)), default="int8", show_default=True)
@click.option("--out", type=_FOLDER, required=True, help="Folder of the new cascade.")
def quantize(
    model: str,
    weights: tuple[Path, ...],
    data: Path,
    partition: str,
    pictures: int,
    kind: str,
    out: Path,
) -> int:
    """Write a cascade with nets in int8 (or float16), and say what that costs.

    Pictures of DATA, evenly chosen, go through the cascade; what its nets see sets the ranges of their
    integers. The new cascade is compared with the old one on the same pictures.
    """
    dataset = evenly(read_dataset(data, partition), pictures)
    done = quantize_cascade(model, out, dataset, kind, weights, show_progress)
    for line in done.measured.skipped:
        click.echo(f"protoface: {line}", err=True)
    for line in _report(done, kind):
        click.echo(line)
    click.echo(f"written: {out / FILE}")
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
    lines.append(
        f"{done.measured.dataset.name}, {len(done.moved)} pictures, % of the eye distance: points move "
        f"by {100 * done.moved.mean():.3f} in the mean, {100 * done.moved.max():.3f} at most; "
        f"mean error {means}"
    )
    return lines


@click.command()
@click.argument("models", nargs=-1, required=True)
@click.option("--data", type=_FOLDER, required=True, help="Pictures as `protoface eval` reads them.")
@click.option("--partition", type=_PARTITION, help="Default: all pictures.")
@backend_option
@click.option("--runs", type=click.IntRange(min=1), default=300, show_default=True)
@click.option(
    "--json", "json_file", type=click.Path(dir_okay=False, path_type=Path), help="The rows as JSON."
)
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
    """
    dataset = read_dataset(data, partition)
    rows = weigh_cascades(models, dataset, backend, runs, show_progress)
    click.echo(table(rows))
    click.echo(f"\n{dataset.name}, n = {len(dataset)}; errors in % of the eye distance; one thread")
    click.echo(" ".join(f"{key} {value}" for key, value in {**machine(), **versions()}.items()))
    if json_file is not None:
        content = {
            "data": dataset.name,
            "rows": [asdict(row) for row in rows],
            "machine": machine(),
            "versions": versions(),
        }
        write_text(json_file, json.dumps(content, indent=1) + "\n")
