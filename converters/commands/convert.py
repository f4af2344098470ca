"""The verb `convert`."""

from __future__ import annotations

import os
import warnings
from pathlib import Path

import click

from ..blobs import Shape
from ..conversion import Converted, convert_onnx, is_onnx
from ..conversion import convert as convert_files
from ..onnx_export import OPSET
from ..part import Part
from .part_options import part_options

FILE = click.Path(path_type=Path)


@click.command()
@click.argument("net", type=FILE)
@click.argument("weights", type=FILE)
@click.argument("out", type=FILE)
@part_options
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


def _check(out: Path, converted: Converted) -> int:
    from ..check import check_converted, tolerance_of

    differences = check_converted(out, converted)
    for found in differences:
        verdict = "agrees" if found.agrees else "DIFFERS"
        click.echo(f"{found.runtime}: {verdict}, largest difference {found.difference:.2e}")
    tolerance = tolerance_of(converted)
    click.echo(f"(of the largest output, against the source in float64; at most {tolerance:g})")
    return 0 if all(found.agrees for found in differences) else 1
