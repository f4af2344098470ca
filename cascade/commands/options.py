"""Options that several verbs share."""

from __future__ import annotations

import click

from protoface.converters.commands.path_types import PATH_IN

from ..backends.choice import AUTO, BACKENDS
from ..definition import DEFAULT, ORIGINAL
from ..windows.mode import MODES

model_option, original_option = (
    click.option(
        "--model",
        default=default,
        show_default=True,
        help="A cascade.prototxt, its folder, or a name that comes with the package.",
    )
    for default in (DEFAULT, ORIGINAL)
)
weights_option = click.option(
    "--weights",
    multiple=True,
    type=PATH_IN,
    help="Weights instead of those that the cascade names; once for each stage, in order.",
)
outside_option = click.option(
    "--outside",
    is_flag=True,
    help="Trust files outside of the model's folder that it names by absolute paths, .. or links.",
)
backend_option = click.option(
    "--backend",
    type=click.Choice([AUTO, *BACKENDS]),
    default=AUTO,
    show_default=True,
    help="What runs the nets; auto takes the fastest that is installed, and says which.",
)
mode_option = click.option(
    "--mode",
    type=click.Choice(list(MODES)),
    default="clean",
    show_default=True,
    help="clean is sub-pixel and fast, faithful repeats the original's rounding.",
)
threads_option = click.option(
    "--threads",
    type=click.IntRange(min=1),
    help="Threads of the runtime; default: its own choice, in ONNX Runtime and OpenVINO 1 for a net of "
    "less than 100 million multiply-adds.",
)
least_score_option = click.option(
    "--least-score",
    type=click.FloatRange(0, 1),
    help="Score from which on a face that was found is kept; default: the model's.",
)
