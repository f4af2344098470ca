"""The option of the verbs that decode pictures; apart from others, whose imports take a second."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from ..pictures import MAX_PIXELS, set_limit


def _pixels(**settings: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    return click.option(
        "--max-pixels",
        type=click.IntRange(min=1),
        default=MAX_PIXELS,
        show_default=True,
        help="Pixels of the largest picture or frame that is decoded; larger ones are refused.",
        **settings,
    )


max_pixels_option = _pixels()
#: The same for verbs whose pictures are those of a set: it is the limit of the whole process.
set_pixels_option = _pixels(expose_value=False, callback=lambda _, __, pixels: set_limit(pixels))
