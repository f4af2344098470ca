"""The command `protoface` and its verbs; each is a thin function over the Python API.

Exit status: 0 done, 1 a check failed, 2 bad arguments or bad input (one line on stderr; `--debug` shows
the traceback).
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence

import click

from protoface.converters.errors import ProtofaceError

#: Which package has which verbs: each is a file in the package's `commands/`, imported when the verb is
#: used, so that `protoface detect` needs no PyTorch.
HOMES = {
    "converters": "convert layers",
    "cascade": "bench detect pack",
    "eval": "compare eval quantize weigh",
    "trainers": "crop demo prepare recipe reproduce synthesize test time train",
}
VERBS = {
    verb: f"protoface.{home}.commands.{verb}" for home, verbs in HOMES.items() for verb in verbs.split()
}


class Verbs(click.Group):
    """A group that imports a verb's module when the verb is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: D102
        return sorted(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: D102
        if cmd_name not in VERBS:
            return None
        command: click.Command = getattr(importlib.import_module(VERBS[cmd_name]), cmd_name)
        return command


@click.command(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="protoface")
def protoface() -> None:
    """Facial landmarks from Caffe-style protobuf text.

    Every verb takes --debug, which shows the traceback of an error.
    """


def run(command: click.Command, arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit status; errors are one line on stderr. See the module."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in given
    given = [argument for argument in given if argument != "--debug"]
    try:
        status = command.main(given, prog_name=_name(command), standalone_mode=False)
    except (click.ClickException, click.Abort, ProtofaceError, OSError, KeyboardInterrupt) as error:
        if debug:
            raise
        click.echo(f"protoface: {_message(error)}", err=True)
        return 2
    return status if isinstance(status, int) else 0


def _message(error: BaseException) -> str:
    if isinstance(error, click.ClickException):
        return " ".join(error.format_message().split())
    if isinstance(error, click.Abort | KeyboardInterrupt):
        return "interrupted"
    return " ".join(str(error).split())


def _name(command: click.Command) -> str:
    return "protoface" if command is protoface else f"protoface {command.name}"


def main() -> None:
    """Entry point of the console script."""
    sys.exit(run(protoface))


if __name__ == "__main__":
    main()
