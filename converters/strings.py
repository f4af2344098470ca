"""Strings in binary files: protobuf silently gives bytes for one that is not UTF-8."""

from __future__ import annotations

from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from .errors import ProtofaceError


def check_strings(message: Message, source: str) -> None:
    """Raise ProtofaceError naming `source` and the field if any string in the message is no text."""
    for field, value in message.ListFields():
        if not field.message_type and field.type != FieldDescriptor.TYPE_STRING:
            continue
        values: list[Any] = [value] if isinstance(value, str | bytes | Message) else list(value)
        for item in values:
            if isinstance(item, Message):
                check_strings(item, source)
            elif not isinstance(item, str):
                raise ProtofaceError(f"{source}: `{field.name}` is no text; the file is damaged")
