"""The verb `layers`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from ..blobs import Shape
from ..net_summary import as_json, as_text, summarise
from ..net_text import read_net
from ..part import Part, take_part
from ..terminal import say
from ..weights import read_weights
from .part_options import part_options
from .path_types import PATH_IN


@click.command()
@click.argument("net", type=PATH_IN)
@part_options
@click.option(
    "--weights",
    type=PATH_IN,
    help="A weights file (.caffemodel, .h5 or .pt) to compare with the layers.",
)
@click.option("--json", "to_json", is_flag=True, help="Print JSON instead of a table.")
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

    Status 1 if some layer cannot be converted or its weights do not fit.

    \b
    Example:
      protoface layers deploy.prototxt --weights net.caffemodel
    """
    part = Part(input_shapes, output_blobs, level, stages)
    taken = take_part(read_net(net), part, net, with_losses=True)
    found = summarise(taken, None if weights is None else read_weights(weights))
    say(json.dumps(as_json(found), indent=1) if to_json else as_text(found))
    misfits = [row for row in found.rows if row.weights not in ("", "yes")]
    return 1 if found.unsupported or misfits else 0
