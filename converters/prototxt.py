"""Protobuf text: nets, solvers and cascades, read with errors that name the line."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import TypeVar

from google.protobuf import text_format
from google.protobuf.message import Message

from . import caffe_pb2
from .errors import ProtofaceError
from .files import read_bytes, write_text
from .layers import layer_types
from .limits import TOKEN, check_finite, check_layers, check_nesting, check_size
from .upgrade import upgrade

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


def read_net(path: str | os.PathLike[str]) -> caffe_pb2.NetParameter:
    """The net in a .prototxt file, upgraded to today's fields (V1 layers, `input_dim` headers).

    A layer of an unknown type, a fork's for one, loses the fields that are unknown too, so that it can
    be listed, left out by its phase, or refused by its own name. Raises ProtofaceError naming the file
    and the line.
    """
    text, source = read_text(path), os.fspath(path)
    check_nesting(text, source)
    try:
        net = parse_message(text, caffe_pb2.NetParameter(), source)
    except ProtofaceError:
        net = _with_unknown_layers(text, source)
    check_finite(net, text, source)
    check_layers(net, source)
    net = upgrade(net, source)
    if not net.layer:
        raise ProtofaceError(f"{path}: the net has no layers")
    return net


def _with_unknown_layers(text: str, source: str) -> caffe_pb2.NetParameter:
    """The same net read message by message, and those of unknown layers without their own fields."""
    net, start, before = caffe_pb2.NetParameter(), 0, 0
    for end in [*_ends(text), len(text)]:
        part = text[start:end]
        try:
            net.MergeFrom(parse_message(part, caffe_pb2.NetParameter(), source, before))
        except ProtofaceError:
            layers = _lenient(part)
            if not layers or layers[-1].type in ("", *layer_types()):
                raise
            net.layer.extend(layers)
        start, before = end, before + part.count("\n")
    return net


def _ends(text: str) -> Iterator[int]:
    """Where the messages of a text end that are not inside another."""
    depth = 0
    for found in TOKEN.finditer(text):
        depth += {"{": 1, "<": 1, "}": -1, ">": -1}.get(found.group(), 0)
        if depth == 0 and found.group() in "}>":
            yield found.end()


def _lenient(text: str) -> Sequence[caffe_pb2.LayerParameter]:
    """The layers of a text without their unknown fields; none if anything else is wrong with it."""
    try:
        return text_format.Parse(text, caffe_pb2.NetParameter(), allow_unknown_field=True).layer
    except text_format.ParseError:
        return []


def to_text(message: Message) -> str:
    """Protobuf text of a message, as Caffe writes it: one field a line, shortest exact floats."""
    return text_format.MessageToString(message)


def write_message(path: str | os.PathLike[str], message: Message) -> None:
    """Write a message as protobuf text; the file appears whole or not at all."""
    write_text(path, to_text(message))
