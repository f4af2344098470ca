"""Paths as options and arguments of verbs take them, by what must be there."""

import os
from pathlib import Path

import click

from ..streams import is_stdout
from ..terminal import results_on_stdout


class _Output(click.Path):
    """A file to be written; `-` is standard output, which then is for results alone."""

    def convert(
        self, value: str | os.PathLike[str], param: click.Parameter | None, ctx: click.Context | None
    ) -> Path:
        path = Path(super().convert(value, param, ctx))
        if is_stdout(path):
            results_on_stdout()
        return path


FILE_IN = click.Path(exists=True, dir_okay=False, path_type=Path)
FILE_OUT = _Output(dir_okay=False, path_type=Path)
FOLDER_IN = click.Path(exists=True, file_okay=False, path_type=Path)
FOLDER_OUT = click.Path(file_okay=False, path_type=Path)
