"""The verb `bench`."""

from __future__ import annotations

import json
import logging
import os
import shlex
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import click
import cv2
import numpy as np
from onnx import ModelProto

from protoface.cascade.backends.choice import AUTO, BACKENDS
from protoface.cascade.cascade import Cascade
from protoface.cascade.commands.options import mode_option, model_option, weights_option
from protoface.cascade.measure.agreement import Agreement, compare
from protoface.cascade.measure.bench import (
    COMPARED,
    ON_DEVICE,
    Row,
    load_model,
    measure,
    random_pictures,
    runnable,
    table,
)
from protoface.cascade.measure.machine import machine, versions
from protoface.cascade.pictures import find_pictures, read_picture
from protoface.cascade.windows.window import Image
from protoface.converters.files import write_text


class SeveralValues(click.Command):
    """A command without arguments, whose repeatable options also take several values in a row."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:  # noqa: D102
        several = {name for option in self.params if option.multiple for name in option.opts}
        spread: list[str] = []
        flag = ""
        for argument in args:
            if argument.startswith("-"):
                flag = argument if argument in several else ""
                spread.append(argument)
            else:
                spread += [flag, argument] if flag and spread[-1] != flag else [argument]
        return super().parse_args(ctx, spread)


@click.command(cls=SeveralValues)
@model_option
@weights_option
@click.option(
    "--backend",
    "backends",
    multiple=True,
    type=click.Choice([*BACKENDS, *ON_DEVICE]),
    help=f"One or several; default: all that can run here, but for {', '.join(ON_DEVICE)}.",
)
@mode_option
@click.option(
    "--batch",
    "batches",
    multiple=True,
    type=click.IntRange(min=1),
    default=(1,),
    show_default=True,
    help="Pictures at once; one or several.",
)
@click.option(
    "--images",
    type=click.Path(exists=True, path_type=Path),
    help="A picture or a folder of pictures; default: noise of 640 x 480.",
)
@click.option("--size", type=click.IntRange(min=1), help="Make the pictures SIZE x SIZE first.")
@click.option("--threads", type=click.IntRange(min=1), default=1, show_default=True)
@click.option("--runs", type=click.IntRange(min=1), default=200, show_default=True)
@click.option(
    "--json",
    "json_file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the figures as JSON.",
)
def bench(
    model: str,
    weights: tuple[Path, ...],
    backends: tuple[str, ...],
    mode: str,
    batches: tuple[int, ...],
    images: Path | None,
    size: int | None,
    threads: int,
    runs: int,
    json_file: Path | None,
) -> int:
    """Time a cascade step by step, on every backend that can run here, in one run.

    Each is compared with one that computes on the CPU; the exit status is 1 if its nets disagree.
    Without weights its nets are filled as training would start: the speed is the same, the points are
    nonsense, and it says so.
    """
    noticed = _noticed()
    ways = [name for name in backends if name in ON_DEVICE]
    definition, nets, real = load_model(model, weights)
    names = [name for name in backends if name in BACKENDS] or ([AUTO] if ways else runnable(nets))
    cascades = [Cascade(definition, nets, name, mode, threads) for name in names]
    on_cpu = [cascade for cascade in cascades if "cuda" not in cascade.backend]
    reference = on_cpu[0] if on_cpu else Cascade(definition, nets, AUTO, mode, threads)
    cv2.setNumThreads(threads)
    pictures = _pictures(images, size)
    if not real:
        click.echo("no weights: nets filled at random; the times are real, the points are not")
    rows = measure(cascades, pictures, batches, runs, threads)
    int8 = any(isinstance(net, ModelProto) for net in nets)
    others = [cascade for cascade in cascades if cascade is not reference]
    agreements = [compare(cascade, reference, pictures[:COMPARED], int8) for cascade in others]
    if ways:
        from protoface.cascade.device.device_bench import measure_ways

        timed, compared = measure_ways(ways, definition, nets, reference, pictures, batches, runs)
        rows, agreements = rows + timed, agreements + compared
    for line in (*table(rows, cascades[0]), *map(str, agreements), *noticed):
        click.echo(line)
    click.echo(f"really used: {', '.join([*(cascade.backend for cascade in cascades), *ways])}")
    click.echo(" ".join(f"{key} {value}" for key, value in {**machine(), **versions()}.items()))
    if json_file is not None:
        _write(json_file, rows, agreements, noticed)
    return 0 if all(agreement.agrees for agreement in agreements) else 1


def _noticed() -> list[str]:
    """The package's warnings from now on: layers that are not where they should be, and notices."""
    lines: list[str] = []
    handler = logging.Handler(logging.WARNING)
    handler.emit = lambda record: lines.append(record.getMessage())  # type: ignore[method-assign]
    logging.getLogger("protoface").addHandler(handler)
    return lines


def _write(
    path: Path, rows: Sequence[Row], agreements: Sequence[Agreement], noticed: Sequence[str]
) -> None:
    report = {
        "command": shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]]),
        "machine": machine(),
        "versions": versions(),
        "NVIDIA_TF32_OVERRIDE": os.environ.get("NVIDIA_TF32_OVERRIDE"),
        "warnings": noticed,
        "agreement": [{**asdict(agreement), "agrees": agreement.agrees} for agreement in agreements],
        "rows": [asdict(row) for row in rows],
    }
    write_text(path, json.dumps(report, indent=1) + "\n")


def _pictures(path: Path | None, size: int | None) -> list[Image]:
    if path is None:
        pictures = random_pictures()
    else:
        paths = find_pictures(path) if path.is_dir() else [path]
        pictures = [read_picture(picture) for picture in paths]
    if size is None:
        return pictures
    resized = [cv2.resize(one, (size, size), interpolation=cv2.INTER_AREA) for one in pictures]
    return [np.asarray(one, np.uint8) for one in resized]
