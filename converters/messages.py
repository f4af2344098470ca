"""Protobuf messages with large fields, handled without copying those more often than needed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import BinaryIO, TypeVar

from google.protobuf.message import Message

from .blobs import field_head

M = TypeVar("M", bound=Message)


def without(message: M, field: str) -> M:
    """A copy of a message without one of its fields, which is not even copied: layers, or weights."""
    bare = type(message)()
    for descriptor, value in message.ListFields():
        if descriptor.name != field:
            bare.MergeFrom(type(message)(**{descriptor.name: value}))
    return bare


def write_parts(file: BinaryIO, number: int, parts: Iterable[Message]) -> None:
    """Write messages as the repeated field `number`, serialised one at a time."""
    for part in parts:
        content = part.SerializeToString()
        file.write(field_head(number, len(content)))
        file.write(content)
