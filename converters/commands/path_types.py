"""Paths as options and arguments of verbs take them, by what must be there."""

from pathlib import Path

import click

FILE_IN = click.Path(exists=True, dir_okay=False, path_type=Path)
FILE_OUT = click.Path(dir_okay=False, path_type=Path)
FOLDER_IN = click.Path(exists=True, file_okay=False, path_type=Path)
FOLDER_OUT = click.Path(file_okay=False, path_type=Path)
