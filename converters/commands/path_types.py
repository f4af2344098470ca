"""Paths as options and arguments of verbs take them, by what must be there.

No verb writes a file that it reads, whichever of its options name them.
"""

import os
from pathlib import Path

import click

from ..files import refuse_inputs
from ..streams import is_stdout
from ..terminal import results_on_stdout


class _Given:
    """What a command was given so far."""

    def __init__(self) -> None:
        self.inputs: list[Path] = []
        self.outputs: list[Path] = []


class _Known(click.Path):
    """A path that is compared with the command's other ones. Raises ProtofaceError."""

    def convert(
        self, value: str | os.PathLike[str], param: click.Parameter | None, ctx: click.Context | None
    ) -> Path:
        path = Path(os.fsdecode(super().convert(value, param, ctx)))
        if ctx is not None:
            self.note(ctx.meta.setdefault(__name__, _Given()), path)
        return path

    def note(self, given: _Given, path: Path) -> None:
        """Remember the path as what it is, and compare it with those of the other kind."""
        given.inputs.append(path)
        refuse_inputs(given.outputs, [path])


class _Output(_Known):
    """A file or folder to be written; `-` is standard output, which then is for results alone."""

    def note(self, given: _Given, path: Path) -> None:
        if is_stdout(path):
            results_on_stdout()
        else:
            given.outputs.append(path)
            refuse_inputs([path], given.inputs)


FILE_IN = _Known(exists=True, dir_okay=False, path_type=Path)
FOLDER_IN = _Known(exists=True, file_okay=False, path_type=Path)
#: Read too; whether it must be there, and as what, is for the verb to say.
PATH_IN = _Known(path_type=Path)
FILE_OUT = _Output(dir_okay=False, path_type=Path)
FOLDER_OUT = _Output(file_okay=False, path_type=Path)
#: A file or a folder, as the input is.
PATH_OUT = _Output(path_type=Path)
