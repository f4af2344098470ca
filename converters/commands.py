"""The verbs `convert` and `layers` of the command line."""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

import click

from .blobs import Shape
from .conversion import Converted, convert_onnx, is_onnx
from .conversion import convert as convert_files
from .onnx_export import OPSET
from .part import ONLY, Part, take_part
from .prototxt import read_net
from .summary import as_json, as_text, summarise
from .weights import read_weights

FILE = click.Path(path_type=Path)


def _shape(
    context: click.Context, parameter: click.Parameter, texts: Sequence[str]
) -> dict[str, Shape]:
    """`data=1,3,48,48`, or without the name for a net's only input."""
    shapes: dict[str, Shape] = {}
    for text in texts:
        name, _, sizes = text.rpartition("=")
        parts = sizes.split(",")
        if name in shapes or not all(part.strip().isdecimal() and int(part) > 0 for part in parts):
            raise click.BadParameter(f"{text!r}: give each input once, as data=1,3,48,48")
        shapes[name] = tuple(map(int, parts))
    if ONLY in shapes and len(shapes) > 1:
        raise click.BadParameter("name every input, as data=1,3,48,48")
    return shapes


def _part_options(command: Callable[..., int]) -> Callable[..., int]:
    """The options that choose a part of a net, shared by the verbs."""
    for option in (
        click.option("--stage", "stages", multiple=True, help="Stage for include and exclude rules."),
        click.option("--level", type=int, default=0, help="Level for include and exclude rules."),
        click.option("--output-blob", "output_blobs", multiple=True, help="Cut the net behind it."),
        click.option(
            "--input-shape",
            "input_shapes",
            multiple=True,
            callback=_shape,
            help="An input's size, as data=1,3,48,48; makes a data layer's top an input.",
        ),
    ):
        command = option(command)
    return command


@click.command()
@click.argument("net", type=FILE)
@click.argument("weights", type=FILE)
@click.argument("out", type=FILE)
@_part_options
@click.option("--fold-bn", is_flag=True, help="Merge BatchNorm and Scale into the layers before them.")
@click.option("--opset", type=int, default=OPSET, show_default=True, help="ONNX operator set.")
@click.option("--float16", is_flag=True, help="ONNX in half precision; inputs and outputs float32.")
@click.option(
    "--check", is_flag=True, help="Run the result everywhere and compare; status 1 if it differs."
)
def convert(
    net: Path,
    weights: Path,
    out: Path,
    input_shapes: dict[str, Shape],
    output_blobs: tuple[str, ...],
    level: int,
    stages: tuple[str, ...],
    fold_bn: bool,
    opset: int,
    float16: bool,
    check: bool,
) -> int:
    """Convert NET.prototxt with WEIGHTS to OUT, or NET.onnx to WEIGHTS (a new .prototxt) and OUT.

    WEIGHTS is a .caffemodel, .caffemodel.h5 or .pt; OUT one of these or .onnx. The TEST phase is
    converted; data and loss layers are left out.
    """
    part = Part(input_shapes, output_blobs, level, stages)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        if is_onnx(net):
            if float16:
                raise click.UsageError("--float16 is for OUT.onnx; Caffe's blobs hold float32")
            converted = convert_onnx(net, weights, out, fold_bn, part)
        else:
            converted = convert_files(net, weights, out, fold_bn, opset, part, float16)
    for warning in caught:
        click.echo(f"protoface: {warning.message}", err=True)
    for path in converted.written:
        click.echo(f"written: {path} ({os.path.getsize(path):,} bytes)")
    return _check(out, converted) if check else 0


@click.command()
@click.argument("net", type=FILE)
@_part_options
@click.option("--weights", type=FILE, help="A weights file to compare the layers with.")
@click.option("--json", "to_json", is_flag=True, help="Print JSON.")
def layers(
    net: Path,
    input_shapes: dict[str, Shape],
    output_blobs: tuple[str, ...],
    level: int,
    stages: tuple[str, ...],
    weights: Path | None,
    to_json: bool,
) -> int:
    """List the layers of NET.prototxt in the TEST phase: shapes, parameters, multiply-adds.

    Status 1 if some layer cannot be carried over or its weights do not fit.
    """
    part = Part(input_shapes, output_blobs, level, stages)
    taken = take_part(read_net(net), part, net, with_losses=True)
    found = summarise(taken, None if weights is None else read_weights(weights))
    click.echo(json.dumps(as_json(found), indent=1) if to_json else as_text(found))
    misfits = [row for row in found.rows if row.weights not in ("", "yes")]
    return 1 if found.unsupported or misfits else 0


def _check(out: Path, converted: Converted) -> int:
    from .check import check_converted, tolerance_of

    differences = check_converted(out, converted)
    for found in differences:
        verdict = "agrees" if found.agrees else "DIFFERS"
        click.echo(f"{found.runtime}: {verdict}, largest difference {found.difference:.2e}")
    tolerance = tolerance_of(converted)
    click.echo(f"(of the largest output, against the source in float64; at most {tolerance:g})")
    return 0 if all(found.agrees for found in differences) else 1
