"""The verb `convert` of the command line."""

from __future__ import annotations

import os
import warnings
from pathlib import Path

import click

from .convert import Converted
from .convert import convert as convert_files
from .onnx_graph import OPSET


@click.command()
@click.argument("net", type=click.Path(path_type=Path))
@click.argument("weights", type=click.Path(path_type=Path))
@click.argument("out", type=click.Path(path_type=Path))
@click.option("--fold-bn", is_flag=True, help="Merge BatchNorm and Scale into the layers before them.")
@click.option("--opset", type=int, default=OPSET, show_default=True, help="ONNX operator set.")
@click.option(
    "--check", is_flag=True, help="Run the result everywhere and compare; status 1 if it differs."
)
def convert(net: Path, weights: Path, out: Path, fold_bn: bool, opset: int, check: bool) -> int:
    """Convert NET.prototxt with WEIGHTS to OUT.

    WEIGHTS is a .caffemodel, .caffemodel.h5 or .pt; OUT one of these or .onnx. The TEST phase is
    converted; data and loss layers are left out.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        converted = convert_files(net, weights, out, fold_bn, opset)
    for warning in caught:
        click.echo(f"protoface: {warning.message}", err=True)
    for path in converted.written:
        click.echo(f"written: {path} ({os.path.getsize(path):,} bytes)")
    return _check(out, converted) if check else 0


def _check(out: Path, converted: Converted) -> int:
    from .check import TOLERANCE, check_converted

    differences = check_converted(out, converted)
    for found in differences:
        verdict = "agrees" if found.agrees else "DIFFERS"
        click.echo(f"{found.runtime}: {verdict}, largest difference {found.difference:.2e}")
    click.echo(f"(of the largest output, against the source in float64; at most {TOLERANCE:g})")
    return 0 if all(found.agrees for found in differences) else 1
