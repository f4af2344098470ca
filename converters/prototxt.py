"""Protobuf text of any message, read with errors that name the line; nets are read by `net_text.py`."""

from __future__ import annotations

import os
from typing import TypeVar

from google.protobuf import text_format
from google.protobuf.message import Message

from .errors import ProtofaceError
from .files import read_bytes, write_text
from .limits import check_finite, check_nesting, check_size

M = TypeVar("M", bound=Message)
#: Letters of the parser's own words that an error repeats: a text may hold names of any length.
LONGEST_REASON = 200


def read_message(path: str | os.PathLike[str], message: M) -> M:
    """Fill `message` from the protobuf text file `path` and return it.

    Raises ProtofaceError naming file, line and column on a syntax error or an unknown field, and for
    numbers that are not finite.
    """
    text, source = read_text(path), os.fspath(path)
    parse_message(text, message, source)
    check_finite(message, text, source)
    return message


def read_text(path: str | os.PathLike[str]) -> str:
    """The content of a text file. Raises ProtofaceError naming it if it is none, or too large."""
    check_size(path)
    try:
        return read_bytes(path).decode("utf-8")
    except UnicodeDecodeError as error:
        raise ProtofaceError(
            f"{path}: not a text file (byte {error.start} is not UTF-8); weights go second"
        ) from error


def parse_message(text: str, message: M, source: str, before: int = 0) -> M:
    """Fill `message` from `text`; `source` names the text in errors. See `read_message`.

    `before` is the number of lines that the source has before the text.
    """
    check_nesting(text, source, before)
    try:
        text_format.Parse(text, message)
    except text_format.ParseError as error:
        line = error.GetLine()
        place = f"line {before + line}" if line else "text"
        # protobuf starts its message with "line:column : ", which the line named here repeats
        what = " ".join(str(error).split(" : ", 1)[-1].split())
        raise ProtofaceError(f"{source}: {place}: {what[:LONGEST_REASON]}") from error
    return message


def to_text(message: Message) -> str:
    """Protobuf text of a message, as Caffe writes it: one field a line, shortest exact floats."""
    return text_format.MessageToString(message)


def write_message(path: str | os.PathLike[str], message: Message) -> None:
    """Write a message as protobuf text; the file appears whole or not at all."""
    write_text(path, to_text(message))
