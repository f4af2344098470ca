"""Options that choose a part of a net, said once for the verbs that take them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import click

from ..blobs import Shape
from ..part import ONLY


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


def part_options(command: Callable[..., int]) -> Callable[..., int]:
    """The options that choose a part of a net, shared by the verbs."""
    for option in (
        click.option(
            "--stage",
            "stages",
            multiple=True,
            help="Stage of Caffe's include and exclude rules; repeat it for several. Default: none.",
        ),
        click.option(
            "--level",
            type=int,
            default=0,
            show_default=True,
            help="Level of Caffe's include and exclude rules.",
        ),
        click.option(
            "--output-blob",
            "output_blobs",
            multiple=True,
            help="Keep only what this blob needs; repeat it for several. Default: the whole net.",
        ),
        click.option(
            "--input-shape",
            "input_shapes",
            multiple=True,
            callback=_shape,
            help="An input's size, as data=1,3,48,48 (pictures, channels, height, width); turns a data "
            "layer's top into an input. Default: the net's own.",
        ),
    ):
        command = option(command)
    return command
