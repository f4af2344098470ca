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

#: Verb -> where its command is. They are imported when asked for: `protoface detect` needs no PyTorch.
VERBS = {
    "bench": "protoface.cascade.bench:bench",
    "compare": "protoface.eval.commands:compare",
    "convert": "protoface.converters.commands:convert",
    "crop": "protoface.trainers.pipeline_commands:crop",
    "demo": "protoface.trainers.pipeline_commands:demo",
    "detect": "protoface.cascade.commands:detect",
    "eval": "protoface.eval.commands:eval_",
    "layers": "protoface.converters.commands:layers",
    "pack": "protoface.cascade.pack:pack_command",
    "prepare": "protoface.trainers.data_commands:prepare",
    "quantize": "protoface.eval.compression_commands:quantize",
    "reproduce": "protoface.trainers.pipeline_commands:reproduce",
    "synthesize": "protoface.trainers.data_commands:synthesize",
    "test": "protoface.trainers.commands:test",
    "time": "protoface.trainers.commands:time",
    "train": "protoface.trainers.commands:train",
    "weigh": "protoface.eval.compression_commands:weigh",
}


class Verbs(click.Group):
    """A group that imports a verb's module when the verb is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: D102
        return sorted(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: D102
        if cmd_name not in VERBS:
            return None
        module, _, name = VERBS[cmd_name].partition(":")
        command: click.Command = getattr(importlib.import_module(module), name)
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
