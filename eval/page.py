"""A self-contained HTML page: its templates filled in, figures as text, pictures within it."""

from __future__ import annotations

import base64
import math
from importlib.resources import files
from typing import Any

import jinja2

from protoface.cascade.measure.machine import machine, versions
from protoface.converters.terminal import escaped


def render(template: str, **values: Any) -> str:
    """A template of this folder with `values`, versions and machine. Everything is escaped."""
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(_template),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=_printable,
    )
    hardware = ", ".join(f"{key} {value}" for key, value in machine().items())
    page = environment.get_template(template)
    return page.render(**values, versions=versions(), machine=hardware)


def _template(name: str) -> str:
    return files(__package__).joinpath(name).read_text("utf-8")


def _printable(value: Any) -> Any:
    # names of files, stages and sets may hold control characters; autoescape sees to the rest
    return escaped(value) if type(value) is str else value


def percent(value: float) -> str:
    """A fraction as a percentage with two decimals; a dash for NaN, a mean of nothing."""
    return "-" if math.isnan(value) else f"{100 * value:.2f}"


def encoded(alt: str, data: bytes) -> dict[str, str]:
    """A picture for the templates."""
    return {"alt": alt, "data": base64.b64encode(data).decode()}
