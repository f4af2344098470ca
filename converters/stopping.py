"""Ending a long job by Ctrl-C or SIGTERM at a place where nothing is lost."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

#: What a user or a scheduler ends a job with.
SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupted(KeyboardInterrupt):
    """A job was ended by the signal `signum`; the exit status is 128 + `signum`, as in a shell."""

    def __init__(self, signum: int) -> None:
        super().__init__(signum)
        self.signum = signum

    def __str__(self) -> str:
        return "interrupted"


class Stop:
    """True as soon as a signal asked the job to end, `signum`."""

    signum: int | None = None

    def __bool__(self) -> bool:
        return self.signum is not None


@contextmanager
def stopping() -> Iterator[Stop]:
    """Note the first SIGINT or SIGTERM instead of raising; a second one raises Interrupted at once.

    The job looks at what is yielded wherever it can end, and ends. On leaving the block after a signal
    Interrupted is raised: what the block had to finish is finished. In a thread, where Python has no
    signals, nothing is noted.
    """
    stop = Stop()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return

    def note(signum: int, frame: FrameType | None) -> None:
        if stop:
            raise Interrupted(signum)
        stop.signum = signum

    with handled(note):
        yield stop
    if stop.signum is not None:
        raise Interrupted(stop.signum)


@contextmanager
def handled(handler: signal._HANDLER) -> Iterator[None]:
    """Let `handler` take SIGINT and SIGTERM within the block; only in the main thread."""
    before = {number: signal.signal(number, handler) for number in SIGNALS}
    try:
        yield
    finally:
        for number, previous in before.items():
            # None: set by other than Python, which cannot be set again from here
            signal.signal(number, signal.SIG_DFL if previous is None else previous)


def interrupt(signum: int, frame: FrameType | None) -> None:
    """A handler that raises Interrupted where the program is."""
    raise Interrupted(signum)
