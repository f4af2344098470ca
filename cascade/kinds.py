"""Registries: for each name in a message's `oneof kind` the class that implements it.

Windows, views and answers have one each. A kind is a class under `@KINDS.register("name")` in a file of
its own in the registry's folder; the folder is imported when a kind is asked for, so a new file is all
it takes.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from typing import Generic, TypeVar

from google.protobuf.message import Message

from protoface.converters.errors import ProtofaceError

T = TypeVar("T")


class Kinds(Generic[T]):
    """Name -> class, for a message of `what`; the classes are in the modules of `package`."""

    def __init__(self, what: str, package: str) -> None:
        self.what, self._package = what, package
        self._classes: dict[str, type[T]] = {}

    def register(self, name: str) -> Callable[[type[T]], type[T]]:
        """Class decorator: makes a class known by a name of the `oneof`."""

        def add(kind: type[T]) -> type[T]:
            if name in self._classes:
                raise ValueError(f"{self.what} '{name}' is registered twice")
            self._classes[name] = kind
            return kind

        return add

    def names(self) -> list[str]:
        """Of all kinds, sorted."""
        folder = importlib.import_module(self._package).__path__
        for module in pkgutil.iter_modules(folder):
            importlib.import_module(f"{self._package}.{module.name}")
        return sorted(self._classes)

    def find(self, parameter: Message, where: str) -> tuple[str, type[T]]:
        """The name of the kind that a message sets, and its class. Raises ProtofaceError for none."""
        name = parameter.WhichOneof("kind")
        if name not in self._classes and name not in self.names():
            known = " or ".join(filter(None, (", ".join(self.names()[:-1]), self.names()[-1])))
            raise ProtofaceError(f"{where}: needs a kind of {self.what}: {known}")
        return name, self._classes[name]
