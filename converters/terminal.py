"""What verbs print: a line at a time, safe to show, beside progress bars."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import click

#: Control characters (C0 without tab and newline, DEL, C1), marks that turn the direction of writing,
#: and bytes of a name that are not UTF-8: a terminal obeys them or cannot show them.
_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


class _Results:
    """Whether results take standard output; then what is said goes to standard error."""

    on_stdout = False


def escaped(text: str) -> str:
    r"""`text` with control characters as escapes (\\x1b), so that a foreign name only shows itself."""
    return _UNSAFE.sub(_escape, text)


def _escape(found: re.Match[str]) -> str:
    code = ord(found[0])
    if 0xDC80 <= code <= 0xDCFF:  # a byte that is not UTF-8, as Python keeps it in names of files
        code -= 0xDC00
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def say(text: str = "", err: bool = False) -> None:
    """Print `text` and a newline, control characters escaped, above a progress bar if there is one.

    On standard output, or with `err`, or where results go to standard output, on standard error.
    """
    err = err or _Results.on_stdout
    with _beside_bars(err):
        click.echo(escaped(text), err=err)


def _beside_bars(err: bool) -> AbstractContextManager[None]:
    if "tqdm" not in sys.modules:
        return nullcontext()
    from tqdm import tqdm

    return tqdm.external_write_mode(sys.stderr if err else sys.stdout)


def results_on_stdout() -> None:
    """From here on standard output is for results alone, because an output is `-`."""
    _Results.on_stdout = True


@contextmanager
def own_stdout() -> Iterator[None]:
    """One command's life: whatever it does with standard output ends with it."""
    _Results.on_stdout = False
    try:
        yield
    finally:
        _Results.on_stdout = False
