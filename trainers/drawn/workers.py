"""Processes that draw: they end with the one that started them, however that ends, and say nothing."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import ParamSpec, TypeVar

import cv2

from protoface.converters import ProtofaceError

P = ParamSpec("P")
T = TypeVar("T")


@contextmanager
def drawing(count: int, stop: object) -> Iterator[Executor]:
    """A pool of `count` processes with one thread each.

    Raises ProtofaceError if one of them is killed, unless `stop` is true: then the block just ends, as
    a scheduler sends its signal to all processes of a job.
    """
    # not forked: a fork beside the threads of OpenCV or PyTorch can stand still for ever
    context = multiprocessing.get_context("spawn")
    try:
        with _Workers(count, context, _begin) as pool:
            yield pool
    except BrokenProcessPool as error:
        if not stop:
            raise ProtofaceError(
                "a process that draws faces was killed, perhaps for want of memory; run again to "
                "resume, with fewer --workers"
            ) from error


class _Workers(ProcessPoolExecutor):
    """Processes that a Ctrl-C at the terminal, which reaches them too, does not disturb."""

    def submit(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """As that of the class above, which starts the processes: they inherit what is blocked."""
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            return super().submit(function, *args, **kwargs)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _begin() -> None:
    cv2.setNumThreads(1)  # the processes share the cores already
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """A pool does not notice that its owner was killed: it would wait for work for ever."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)
