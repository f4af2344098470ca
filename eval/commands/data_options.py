"""Options of the verbs that read an annotated set."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from protoface.converters.commands.path_types import FOLDER_IN

POINTS = "CelebA, 300-W, WFLW, or landmarks68.csv"
data_option, any_data_option = (
    click.option(
        "--data",
        type=FOLDER_IN,
        required=True,
        help=f"Folder of an annotated set: {sets}; see docs/evaluation.md.",
    )
    for sets in (POINTS, f"{POINTS}, WIDER FACE, or pictures without faces")
)
_HELP = "train, val, test, or a folder of the pictures, such as lfpw/testset."


def partition_option(
    default: str | None = None,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """The option --partition; without a default all pictures are taken."""
    return click.option(
        "--partition",
        default=default,
        show_default="all pictures" if default is None else True,
        help=_HELP,
    )
