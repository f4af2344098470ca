"""Entry point of the command `protoface`: what must be settled before anything else is imported."""

from __future__ import annotations

import faulthandler
import gc
import os
import signal
import sys
from types import FrameType


def main() -> None:
    """Run the command line and end the process with its exit status.

    Until the command runs, and after it, a signal ends the process at once, without a traceback.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _leave)
    if "--debug" not in sys.argv:
        _quiet_libraries()
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:  # names of files may hold what the terminal's encoding lacks
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    gc.disable()  # what is imported stays: to look for garbage in it takes time; a verb enables it
    from .cli import protoface, run

    status = run(protoface)
    gc.freeze()  # nor is there any use in it when the process ends: 40 ms
    sys.exit(status)


def _leave(signum: int, frame: FrameType | None) -> None:
    os._exit(128 + signum)


def _quiet_libraries() -> None:
    """Send to nowhere what libraries in C write to standard error: libpng, libjpeg, FFmpeg, OpenCV.

    Python's own errors still come out, and a crash in a library comes with the place in Python.
    """
    try:
        own = os.dup(2)
    except OSError:  # there is no standard error
        return
    sys.stderr = os.fdopen(own, "w", buffering=1, encoding=sys.stderr.encoding)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    os.close(nowhere)
    faulthandler.enable(sys.stderr)
