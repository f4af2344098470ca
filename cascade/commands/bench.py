"""The verb `bench`."""

from __future__ import annotations

import json
import logging
import os
import shlex
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from itertools import chain
from pathlib import Path

import click
import cv2
import numpy as np
from onnx import ModelProto

from protoface.converters.commands.path_types import FILE_OUT, PATH_IN
from protoface.converters.files import refuse_inputs, write_text
from protoface.converters.terminal import say

from .. import cascade_pb2
from ..backends.choice import AUTO, BACKENDS
from ..cascade import Cascade
from ..definition import Loaded, model_files
from ..measure.agreement import Agreement, compare
from ..measure.machine import machine, versions
from ..measure.step_times import (
    COMPARED,
    ON_DEVICE,
    Row,
    load_model,
    measure,
    random_pictures,
    runnable,
    soft_pictures,
    table,
)
from ..pictures import read_picture
from ..search import listed_pictures
from ..windows.window import Image
from .options import mode_option, model_option, outside_option, weights_option


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
@outside_option
@click.option(
    "--backend",
    "backends",
    multiple=True,
    type=click.Choice([*BACKENDS, *ON_DEVICE]),
    help=f"One or several; default: all that can run here except {', '.join(ON_DEVICE)}.",
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
    type=PATH_IN,
    help="A picture or a folder of pictures; default: made-up ones of 640 x 480 pixels.",
)
@click.option(
    "--size",
    type=click.IntRange(min=1),
    help="Resize the pictures to SIZE x SIZE pixels first; default: as they are.",
)
@click.option(
    "--threads",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Threads of the runtimes.",
)
@click.option(
    "--runs", type=click.IntRange(min=1), default=200, show_default=True, help="Timed passes of each."
)
@click.option(
    "--json", "json_file", type=FILE_OUT, help="Write the figures, ms, as JSON; default: printed only."
)
def bench(
    model: str,
    weights: tuple[Path, ...],
    outside: bool,
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

    Each backend is compared with one that computes on the CPU: if its nets answer something else to the
    same inputs, it says DISAGREES and the exit status is 1. Without weights the nets get random values:
    times are valid, points are not.

    \b
    Examples:
      protoface bench
      protoface bench --model my_cascade --backend onnxruntime opencv --batch 1 64
    """
    if json_file is not None:
        refuse_inputs([json_file], chain(model_files(model, weights, outside), _given(images)))
    cv2.setNumThreads(threads)
    with _noticed() as noticed:
        loaded = load_model(model, weights, outside)  # a mistake in it is said at once
        pictures = _pictures(images, size)
        result = _measured(loaded, backends, mode, batches, pictures, threads, runs)
    for line in result.lines():
        say(line)
    say(f"backends used: {', '.join(result.used)}")
    say(" ".join(f"{key} {value}" for key, value in {**machine(), **versions()}.items()))
    if json_file is not None:
        _write(json_file, result, noticed)
    return 0 if all(agreement.agrees for agreement in result.agreements) else 1


@dataclass(frozen=True, eq=False)
class _Result:
    """Times and agreements, the backends that were used, and whether the nets had weights."""

    cascade: Cascade
    rows: Sequence[Row]
    agreements: Sequence[Agreement]
    used: Sequence[str]
    real: bool

    def lines(self) -> Iterator[str]:
        """The lines that are printed."""
        if not self.real:
            yield "no weights found: nets have random values; times are valid, points are not"
        yield from table(self.rows, self.cascade)
        yield from map(str, self.agreements)
        if not self.agreements:
            yield f"{', '.join(self.used)}: compared with nothing, since no other backend ran"


@dataclass(frozen=True, eq=False)
class _Pictures:
    """What is timed, and what backends are compared on, of a `kind`: given or made-up."""

    timed: Sequence[Image]
    compared: Sequence[Image]
    kind: str


def _measured(
    loaded: tuple[cascade_pb2.CascadeParameter, list[Loaded], bool],
    backends: Sequence[str],
    mode: str,
    batches: Sequence[int],
    pictures: _Pictures,
    threads: int,
    runs: int,
) -> _Result:
    definition, nets, real = loaded
    ways = [name for name in backends if name in ON_DEVICE]
    names = [name for name in backends if name in BACKENDS] or ([AUTO] if ways else runnable(nets))
    cascades = [Cascade(definition, nets, name, mode, threads) for name in names]
    on_cpu = [cascade for cascade in cascades if "cuda" not in cascade.backend]
    reference = on_cpu[0] if on_cpu else Cascade(definition, nets, AUTO, mode, threads)
    rows = measure(cascades, pictures.timed, batches, runs, threads)
    int8 = any(isinstance(net, ModelProto) for net in nets)
    others = [cascade for cascade in cascades if cascade is not reference]
    agreements = [compare(cascade, reference, pictures.compared, int8) for cascade in others]
    if ways:
        from ..device.device_bench import measure_ways  # needs PyTorch

        timed, compared = measure_ways(
            ways, definition, nets, reference, pictures.timed, batches, runs, compared=pictures.compared
        )
        rows, agreements = rows + timed, agreements + compared
    used = [*(cascade.backend for cascade in cascades), *ways]
    agreements = [replace(one, kind=pictures.kind) for one in agreements]
    return _Result(cascades[0], rows, agreements, used, real)


@contextmanager
def _noticed() -> Iterator[list[str]]:
    """The package's warnings while it lasts, for the JSON: layers that are not where they should be."""
    lines: list[str] = []
    handler = logging.Handler(logging.WARNING)
    handler.emit = lambda record: lines.append(record.getMessage())  # type: ignore[method-assign]
    logger = logging.getLogger("protoface")
    logger.addHandler(handler)
    try:
        yield lines
    finally:
        logger.removeHandler(handler)


def _write(path: Path, result: _Result, noticed: Sequence[str]) -> None:
    report = {
        "command": shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]]),
        "machine": machine(),
        "versions": versions(),
        "NVIDIA_TF32_OVERRIDE": os.environ.get("NVIDIA_TF32_OVERRIDE"),
        "warnings": noticed,
        "agreement": [{**asdict(one), "agrees": one.agrees} for one in result.agreements],
        "rows": [asdict(row) for row in result.rows],
    }
    write_text(path, json.dumps(report, indent=1) + "\n")


def _given(path: Path | None) -> list[Path]:
    return [] if path is None else [picture.path for picture in listed_pictures(path)]


def _pictures(path: Path | None, size: int | None) -> _Pictures:
    """Those of a file or folder; else noise to time, and soft patches to compare backends on."""
    if path is None:
        return _Pictures(_resized(random_pictures(), size), _resized(soft_pictures(), size), "made-up")
    given = _resized([read_picture(picture) for picture in _given(path)], size)
    return _Pictures(given, given[:COMPARED], "given")


def _resized(pictures: Sequence[Image], size: int | None) -> Sequence[Image]:
    if size is None:
        return pictures
    resized = [cv2.resize(one, (size, size), interpolation=cv2.INTER_AREA) for one in pictures]
    return [np.asarray(one, np.uint8) for one in resized]
