"""What `protoface eval` has measured, whatever kind of set it was: lines to print, JSON, a report."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from protoface.cascade.cascade import Cascade


class Measurement(ABC):
    """The figures of one or several cascades and of other finders on the same set."""

    @property
    @abstractmethod
    def skipped(self) -> tuple[str, ...]:
        """A line for each entry of the set that could not be measured."""

    @abstractmethod
    def lines(self) -> Iterator[str]:
        """What is printed."""

    @abstractmethod
    def json(self) -> dict[str, Any]:
        """The figures by their documented keys."""

    @abstractmethod
    def write_report(self, path: Path, command: str) -> None:
        """Write the page; `command` is how it was made."""


def setting(cascade: Cascade) -> str:
    """What ran, in words."""
    return f"{cascade.name}, backend {cascade.backend}, mode {cascade.mode}"


def first(cascades: Mapping[str, Cascade]) -> tuple[str, Cascade]:
    """The cascade that a report is about; the others stand beside it."""
    return next(iter(cascades.items()))
