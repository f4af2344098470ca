"""Limits of what is read as text and as a net: a small file cannot take all memory, or all time."""

from __future__ import annotations

import math
import os
import re
from typing import TYPE_CHECKING

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from .errors import ProtofaceError
from .files import PathLike

if TYPE_CHECKING:
    from . import caffe_pb2

#: Bytes of a text file; one of a net with 1000 layers has 300,000.
LARGEST_TEXT = 4 << 20
#: Messages in messages; Caffe's nets have 5 levels.
DEEPEST = 32
MOST_LAYERS = 10_000
#: Values of a field of a layer: bottoms, tops, slice points, sizes of boxes.
MOST_VALUES = 1000
MOST_AXES = 32  # Caffe, blob.hpp, kMaxBlobAxes
#: Values of all blobs that a net learns: 2 GiB of float32, 4 times VGG-16.
MOST_PARAMETERS = 1 << 29
#: Caffe, blob.cpp, Reshape: the number of values is an int.
LARGEST_BLOB = (1 << 31) - 1
LARGEST_FLOAT = 3.4028234663852886e38
#: Strings and comments, in which a bracket means nothing, and brackets. A string without an end is one
#: too: else each of its quotes would be tried up to the end of the text.
TOKEN = re.compile(r"""\"(?:\\.|[^"\\\n])*\"?|'(?:\\.|[^'\\\n])*'?|\#[^\n]*|[][{}<>]""")
NOT_FINITE = re.compile(r"[-+]?(?:inf(?:inity)?|nan)f?", re.IGNORECASE)
#: Messages whose floats may be anything: values of weights, and bounds that are none.
EXEMPT = ("caffe.BlobProto", "caffe.ClipParameter")


def check_size(path: PathLike) -> None:
    """Raise ProtofaceError naming a file that is larger than a text of any kind here."""
    try:
        size = os.path.getsize(path)
    except (OSError, ValueError):
        return  # whoever reads it says what is wrong
    if size > LARGEST_TEXT:
        raise ProtofaceError(f"{path}: has {size:,} bytes, a text file at most {LARGEST_TEXT:,}")


def check_nesting(text: str, source: str, before: int = 0) -> None:
    """Raise ProtofaceError naming `source` and line for messages so deep that no parser takes them.

    `before` is the number of lines that the source has before the text.
    """
    depth = 0
    for found in TOKEN.finditer(text):
        bracket = found.group()
        depth += (bracket in "{<[") - (bracket in "}>]")
        if depth > DEEPEST:
            line = before + text.count("\n", 0, found.start()) + 1
            raise ProtofaceError(
                f"{source}: line {line}: messages are nested too deeply, more than {DEEPEST} levels"
            )


def check_finite(message: Message, text: str, source: str) -> None:
    """Raise ProtofaceError naming `source`, line and field for a number that is NaN or infinite.

    `text` is what the message was read from. Weights are exempt, and Clip's bounds.
    """
    name = _not_finite(message)
    if name is not None:
        raise ProtofaceError(
            f"{source}: {_place(name, text)}: {name} is not a finite number that a float can hold"
        )


def _not_finite(message: Message) -> str | None:
    """The first field, by its name, that holds a number that is not finite."""
    if message.DESCRIPTOR.full_name in EXEMPT:
        return None
    for field, value in message.ListFields():
        if field.cpp_type == FieldDescriptor.CPPTYPE_MESSAGE:
            held = [value] if isinstance(value, Message) else value
            found = next((name for item in held if (name := _not_finite(item)) is not None), None)
            if found is not None:
                return found
        elif field.cpp_type in (FieldDescriptor.CPPTYPE_FLOAT, FieldDescriptor.CPPTYPE_DOUBLE):
            numbers = [value] if isinstance(value, float) else value
            if not all(map(math.isfinite, numbers)):
                return str(field.name)
    return None


def _place(name: str, text: str) -> str:
    for found in re.finditer(rf"\b{name}\s*:\s*(\[[^\]]*\]|[^\s,;}}>\]]+)", text):
        if not all(map(_is_finite, found[1].strip("[]").split(","))):
            return f"line {text.count(chr(10), 0, found.start()) + 1}"
    return "text"


def _is_finite(word: str) -> bool:
    if NOT_FINITE.fullmatch(word.strip()):
        return False
    try:
        return abs(float(word.strip().rstrip("fF"))) <= LARGEST_FLOAT
    except ValueError:
        return True  # a word of another field of that name


def check_layers(net: caffe_pb2.NetParameter, source: str) -> None:
    """Raise ProtofaceError naming `source`, and the layer, for a net that is too large to be read."""
    layers: list[caffe_pb2.LayerParameter | caffe_pb2.V1LayerParameter] = [*net.layer, *net.layers]
    if len(layers) > MOST_LAYERS:
        raise ProtofaceError(f"{source}: has {len(layers):,} layers, at most {MOST_LAYERS:,} are read")
    for layer in layers:
        name = _too_many(layer)
        if name is not None:
            raise ProtofaceError(
                f"{source}: layer '{layer.name}' has too many values of {name}; at most "
                f"{MOST_VALUES:,} are read, and {MOST_AXES} of a shape"
            )


def _too_many(message: Message) -> str | None:
    """The first field, by its name, that is repeated more often than in any net."""
    for field, value in message.ListFields():
        if field.name == "blobs":  # weights have their own checks
            continue
        single = isinstance(value, Message | str | bytes | int | float)
        most = MOST_AXES if field.full_name == "caffe.BlobShape.dim" else MOST_VALUES
        if not single and len(value) > most:
            return str(field.name)
        if field.message_type:
            found = (_too_many(item) for item in ([value] if single else value))
            if (name := next(filter(None, found), None)) is not None:
                return name
    return None
