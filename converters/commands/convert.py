"""The verb `convert`."""

from __future__ import annotations

import os
import warnings
from pathlib import Path

import click

from ..blobs import Shape
from ..conversion import Converted, convert_onnx
from ..conversion import convert as convert_files
from ..onnx_export import OPSET
from ..onnx_file import is_onnx
from ..part import Part
from ..terminal import say
from .part_options import part_options
from .path_types import PATH_IN

#: Compared with the other names by `conversion`, which first says which of them are in a wrong order.
OUT = click.Path(path_type=Path)


@click.command()
@click.argument("net", type=PATH_IN)
@click.argument("weights", type=PATH_IN, required=False)
@click.option("--out", type=OUT, required=True, help="The file to write, in the format of its suffix.")
@part_options
@click.option("--fold-bn", is_flag=True, help="Merge BatchNorm and Scale into the layers before them.")
@click.option(
    "--opset", type=int, default=OPSET, show_default=True, help="Version of ONNX's operators."
)
@click.option(
    "--float16", is_flag=True, help="ONNX in half precision, with float32 inputs and outputs."
)
@click.option(
    "--check",
    is_flag=True,
    help="Run OUT in every installed runtime, compare it with NET; status 1 if it differs.",
)
def convert(
    net: Path,
    weights: Path | None,
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
    """Convert NET to the format of OUT. NET and WEIGHTS are read, only --out is written.

    NET is a .prototxt, and WEIGHTS its .caffemodel, .caffemodel.h5 or .pt; OUT is one of these or
    .onnx. Or NET is an .onnx, which holds its weights; then OUT.prototxt is written beside the weights
    OUT. The TEST phase is converted; data and loss layers are left out.

    \b
    Examples:
      protoface convert deploy.prototxt net.caffemodel --out net.onnx --fold-bn --check
      protoface convert net.onnx --out caffe/net.caffemodel
    """
    part = Part(input_shapes, output_blobs, level, stages)
    if is_onnx(net) != (weights is None):
        raise click.UsageError(
            f"{net} holds its weights; the file to write is named by --out"
            if is_onnx(net)
            else f"{net} needs WEIGHTS, its .caffemodel, .caffemodel.h5 or .pt"
        )
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        if weights is not None:
            converted = convert_files(
                net, weights, out, fold_bn=fold_bn, opset=opset, part=part, float16=float16
            )
        elif float16:
            raise click.UsageError("--float16 is for OUT.onnx; Caffe's blobs hold float32")
        else:
            converted = convert_onnx(net, out, fold_bn=fold_bn, part=part)
    for warning in caught:
        say(f"protoface: {warning.message}", err=True)
    for path in converted.written:
        say(f"written: {path} ({os.path.getsize(path):,} bytes)")
    return _check(out, converted) if check else 0


def _check(out: Path, converted: Converted) -> int:
    from ..check import check_converted, tolerance_of

    differences = check_converted(out, converted)
    for found in differences:
        verdict = "agrees" if found.agrees else "DIFFERS"
        say(f"{found.runtime}: {verdict}, largest difference {found.difference:.2e}")
    tolerance = tolerance_of(converted)
    say(f"(of the largest output, against the source in float64; at most {tolerance:g})")
    return 0 if all(found.agrees for found in differences) else 1
