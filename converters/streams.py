"""What a path may stand for other than a regular file: standard output, devices, pipes."""

from __future__ import annotations

import io
import os
import re
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, TextIO

#: As an output: standard output.
STDOUT = "-"
_OPEN_FILE = re.compile(r"/dev/fd/(\d+)|/proc/(?:self|\d+)/fd/(\d+)")
_LINKS = 40  # as many as Linux follows


def is_stream(path: str | os.PathLike[str]) -> bool:
    """Whether `path` takes what is written as it comes: standard output, a device, a pipe."""
    if os.fspath(path) == STDOUT or descriptor(path) is not None:
        return True
    try:
        mode = os.stat(path).st_mode
    except OSError:
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def is_stdout(path: str | os.PathLike[str]) -> bool:
    """Whether `path` is `-`, or stands for standard output as /dev/stdout does."""
    return os.fspath(path) == STDOUT or descriptor(path) == 1


def descriptor(path: str | os.PathLike[str]) -> int | None:
    """The number of the open file that `path` stands for, by way of links: /dev/stdout, /dev/fd/3."""
    name = os.path.abspath(path)
    for _ in range(_LINKS):
        found = _OPEN_FILE.fullmatch(name)
        if found:
            return int(found[1] or found[2])
        if not os.path.islink(name):
            return None
        name = os.path.normpath(os.path.join(os.path.dirname(name), os.readlink(name)))
    return None


@contextmanager
def opened(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """What is not a regular file, open for writing; standard output stays open after."""
    if is_stdout(path):
        sys.stdout.flush()
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    number = descriptor(path)
    with open(path if number is None else os.dup(number), "wb") as file:
        yield file


@contextmanager
def opened_text(path: str | os.PathLike[str]) -> Iterator[TextIO]:
    """The same for text in UTF-8; each line is written when it is complete."""
    with opened(path) as raw:
        text = io.TextIOWrapper(raw, "utf-8", "surrogateescape", newline="", line_buffering=True)
        try:
            yield text
        finally:
            text.detach()  # which flushes, and leaves standard output open
