"""Turns a committed descriptor set into message classes, in a pool of its own.

Code written by protoc checks at import that the runtime is of protoc's own version or newer
(VersionError), and registers its messages in the process-wide pool, where pycaffe registers
`package caffe` too (TypeError). A descriptor set has neither problem: one file works from protobuf 4
to 7, beside any other reader of the same schema.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory


def message_classes(package: str, name: str) -> dict[str, Any]:
    """Top-level messages and enum values of the descriptor set `name` in the Python package `package`.

    Keys are the schema's names: message -> class, enum value -> int. The set is made by `make proto`.
    """
    pool = descriptor_pool.DescriptorPool()
    content = Path(import_module(package).__path__[0], name).read_bytes()
    classes: dict[str, Any] = {}
    for file in descriptor_pb2.FileDescriptorSet.FromString(content).file:
        pool.AddSerializedFile(file.SerializeToString())
        descriptor = pool.FindFileByName(file.name)
        for enum in descriptor.enum_types_by_name.values():
            classes.update({value.name: value.number for value in enum.values})
        for message in descriptor.message_types_by_name.values():
            classes[message.name] = message_factory.GetMessageClass(message)
    return classes
