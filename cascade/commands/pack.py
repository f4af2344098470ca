"""The verb `pack`."""

from __future__ import annotations

from pathlib import Path

import click

from protoface.converters.commands.path_types import FOLDER_OUT
from protoface.converters.terminal import say

from ..pack import pack as pack_cascade
from .options import model_option, outside_option, weights_option


@click.command()
@model_option
@weights_option
@outside_option
@click.option(
    "--out",
    type=FOLDER_OUT,
    required=True,
    help="The folder to write.",
)
@click.option(
    "--notice",
    default="",
    help="A line that is printed whenever the weights are loaded. Default: the cascade's own.",
)
def pack(model: str, weights: tuple[Path, ...], outside: bool, out: Path, notice: str) -> None:
    """Copy a cascade and the files it needs into a folder, each with its SHA-256, to be passed on.

    \b
    Example:
      protoface pack --model build/models/fast --out fast --notice "For research use only."
    """
    say(f"written: {pack_cascade(model, out, weights, notice, outside)}")
