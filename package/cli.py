"""The command `protoface` and its verbs; each is a thin function over the Python API.

Exit status: 0 done, 1 a check failed, 2 bad arguments or bad input (one line on stderr; `--debug` shows
the traceback), 130 ended by Ctrl-C, 143 by SIGTERM.
"""

from __future__ import annotations

import gc
import importlib
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

import click
from click.shell_completion import CompletionItem

from protoface.converters.errors import ProtofaceError
from protoface.converters.notices import logged_lines, say_notices
from protoface.converters.stopping import Interrupted, handled
from protoface.converters.terminal import own_stdout, say

#: Added to a signal's number it is the exit status, as in a shell.
SIGNALLED = 128
#: Seconds until a signal is sent again that came at a bad moment.
AGAIN = 0.02
#: Which package has which verbs, and what they do in a few words. Each is a file in the package's
#: `commands/`, imported when the verb is used, so that `protoface detect` needs no PyTorch.
HOMES = {
    "converters": {
        "convert": "Caffe, PyTorch, ONNX and HDF5: a net or weights into another format.",
        "layers": "Layers of a net with shapes, parameters and multiply-adds.",
    },
    "cascade": {
        "bench": "Times of a cascade, step by step, on every backend.",
        "convert-mtcnn": "MTCNN's weights between Caffe's, facenet-pytorch's and our layout.",
        "crops": "Every face of pictures as a picture of its own, upright if asked for.",
        "detect": "Points in pictures, folders, videos or a camera.",
        "pack": "A cascade with all of its files in one folder.",
    },
    "eval": {
        "compare": "The published experiment beside what is measured here.",
        "eval": "Errors of a cascade on an annotated set, with a report.",
        "quantize": "A cascade with nets in int8 or float16.",
        "weigh": "Error, time and size of several models, side by side.",
    },
    "trainers": {
        "crop": "Training data of level 2, cut by level 1.",
        "demo": "The whole experiment on drawn faces, no download.",
        "prepare": "Training data of level 1, resized pictures and lists.",
        "recipe": "Train a cascade by current methods.",
        "reproduce": "Train and measure the original's cascade on CelebA.",
        "synthesize": "Draw faces with exact points.",
        "test": "The TEST phase of a net, as `caffe test`.",
        "time": "Forward and backward of each layer, as `caffe time`.",
        "train": "A solver, as `caffe train`.",
    },
}
VERBS = {
    verb: f"protoface.{home}.commands.{verb.replace('-', '_')}"
    for home, verbs in HOMES.items()
    for verb in verbs
}


class Verbs(click.Group):
    """A group that imports a verb's module when the verb is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: D102
        return sorted(VERBS)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """All verbs with what they do; their modules would take a second to import."""
        with formatter.section("Commands"):
            formatter.write_dl(sorted(item for verbs in HOMES.values() for item in verbs.items()))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: D102
        if cmd_name not in VERBS:
            return None
        module = importlib.import_module(VERBS[cmd_name])
        command: click.Command = getattr(module, cmd_name.replace("-", "_"))
        gc.enable()  # see start.py
        return command

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Verbs by their names alone: their modules take seconds to import."""
        verbs = [CompletionItem(verb) for verb in sorted(VERBS) if verb.startswith(incomplete)]
        return verbs + click.Command.shell_complete(self, ctx, incomplete)


@click.command(
    cls=Verbs, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]}
)
@click.version_option(package_name="protoface")
@click.pass_context
def protoface(context: click.Context) -> None:
    """Facial landmarks from Caffe-style protobuf text.

    Every verb takes --debug, which shows the traceback of an error and what libraries write to standard
    error.

    \b
    Examples:
      protoface detect photo.jpg --out drawn/
      protoface detect --help
    """
    if context.invoked_subcommand is None:
        say(context.get_help())


def run(command: click.Command, arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit status; errors are one line on stderr. See the module."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in given
    given = [argument for argument in given if argument != "--debug"]
    with own_stdout(), _signals() as came, logged_lines():
        try:
            status = command.main(given, prog_name=_name(command), standalone_mode=False)
        except BaseException as error:
            status = _status(error, came)
            if debug or status is None:
                raise
            return status
        say_notices()
        return status if isinstance(status, int) else 0


def _status(error: BaseException, came: Sequence[int]) -> int | None:
    """The exit status for an error, which is said; None for one that nobody expected."""
    if came or isinstance(error, click.Abort | KeyboardInterrupt):
        # after a signal a library may have made another error of it, and click makes an Abort of what a
        # job raised that had noted the signal by itself
        cause = error.__cause__ if isinstance(error, click.Abort) else error
        noted = cause.signum if isinstance(cause, Interrupted) else signal.SIGINT
        say("protoface: interrupted", err=True)
        return SIGNALLED + (came[0] if came else noted)
    if isinstance(error, click.ClickException | ProtofaceError | OSError):
        say(f"protoface: {_message(error)}", err=True)
        return 2
    return None


@contextmanager
def _signals() -> Iterator[list[int]]:
    """Let a signal interrupt the command where it is; yields the numbers of those that came."""
    came: list[int] = []

    def note(signum: int, frame: FrameType | None) -> None:
        came.append(signum)
        raise Interrupted(signum)

    if threading.current_thread() is threading.main_thread():
        with handled(note), _insisting():
            yield came
    else:
        yield came


@contextmanager
def _insisting() -> Iterator[None]:
    """Send a signal once more that came in a destructor: Python shows and drops what that raises."""
    before, timers = sys.unraisablehook, list[threading.Timer]()

    def again(dropped: sys.UnraisableHookArgs) -> None:
        if isinstance(dropped.exc_value, Interrupted):
            signal_again = os.getpid(), dropped.exc_value.signum
            timers.append(threading.Timer(AGAIN, os.kill, signal_again))
            timers[-1].start()
        else:
            before(dropped)

    sys.unraisablehook = again
    try:
        yield
    finally:
        sys.unraisablehook = before
        for timer in timers:
            timer.cancel()


def _message(error: BaseException) -> str:
    text = error.format_message() if isinstance(error, click.ClickException) else str(error)
    return " ".join(text.split())


def _name(command: click.Command) -> str:
    return "protoface" if command is protoface else f"protoface {command.name}"
