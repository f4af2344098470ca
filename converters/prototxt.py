"""Protobuf text: nets, solvers and cascades, read with errors that name the line."""

from __future__ import annotations

import os
from typing import TypeVar

from google.protobuf import text_format
from google.protobuf.message import Message

from . import caffe_pb2
from .errors import ProtofaceError
from .files import read_bytes, write_text
from .upgrade import upgrade

M = TypeVar("M", bound=Message)


def read_message(path: str | os.PathLike[str], message: M) -> M:
    """Fill `message` from the protobuf text file `path` and return it.

    Raises ProtofaceError naming file, line and column on a syntax error or an unknown field.
    """
    try:
        text = read_bytes(path).decode("utf-8")
    except UnicodeDecodeError as error:
        raise ProtofaceError(
            f"{path}: not a text file (byte {error.start} is not UTF-8); weights go second"
        ) from error
    return parse_message(text, message, os.fspath(path))


def parse_message(text: str, message: M, source: str) -> M:
    """Fill `message` from `text`; `source` names the text in errors. See `read_message`."""
    try:
        text_format.Parse(text, message)
    except text_format.ParseError as error:
        place = f"line {error.GetLine()}" if error.GetLine() else "text"
        # protobuf starts its message with "line:column : ", which the line named here repeats
        what = str(error).split(" : ", 1)[-1]
        raise ProtofaceError(f"{source}: {place}: {' '.join(what.split())}") from error
    except RecursionError as error:
        raise ProtofaceError(f"{source}: messages are nested too deeply") from error
    return message


def read_net(path: str | os.PathLike[str]) -> caffe_pb2.NetParameter:
    """The net in a .prototxt file, upgraded to today's fields (V1 layers, `input_dim` headers).

    Raises ProtofaceError naming the file and the line.
    """
    net = upgrade(read_message(path, caffe_pb2.NetParameter()), os.fspath(path))
    if not net.layer:
        raise ProtofaceError(f"{path}: the net has no layers")
    return net


def to_text(message: Message) -> str:
    """Protobuf text of a message, as Caffe writes it: one field a line, shortest exact floats."""
    return text_format.MessageToString(message)


def write_message(path: str | os.PathLike[str], message: Message) -> None:
    """Write a message as protobuf text; the file appears whole or not at all."""
    write_text(path, to_text(message))
