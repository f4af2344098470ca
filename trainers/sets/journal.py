"""What a long job has done so far, kept on disk, so that a killed job can resume."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from protoface.converters.records import Records

Entry = tuple[str, str, str]


class Journal:
    """Of each picture its name, where it went, and a text (a label, or what was wrong with it).

    One record for pictures that were done together. What is noted twice counts once. See `Records`, of
    which the errors are.
    """

    def __init__(self, path: Path, settings: Mapping[str, object]) -> None:
        self.path = path
        self._records = Records(path, settings, "this folder", "name another folder or remove this one")
        self.done: set[str] = set()
        noted = sum(len(one) if isinstance(one, list) else 1 for one in self._records.records())
        if noted != sum(map(len, self._once())):
            self._records.keep(self._once())

    def _once(self) -> Iterator[list[Entry]]:
        """The records without what comes twice or is none of ours; sets `done`."""
        self.done.clear()
        for record in self._records.records():
            new = {entry[0]: entry for entry in _entries(record) if entry[0] not in self.done}
            self.done.update(new)
            if new:
                yield list(new.values())

    def add(self, entries: list[Entry]) -> None:
        """Note (name, where, text) of pictures whose files are written; on disk before this returns."""
        self._records.add(entries)
        self.done.update(name for name, _, _ in entries)

    def entries(self, order: Iterable[str] | None = None) -> Iterator[Entry]:
        """All (name, where, text) noted: as they came, or those of `order`, names, in that order."""
        noted = (entry for record in self._records.records() for entry in _entries(record))
        if order is None:
            yield from noted
            return
        found = {entry[0]: entry for entry in noted}
        yield from (found[name] for name in order if name in found)


def _entries(record: Any) -> list[Entry]:
    """What a record notes; nothing where it is no record of a journal."""
    if not isinstance(record, list) or not all(map(_is_entry, record)):
        return []
    return [(name, where, text) for name, where, text in record]


def _is_entry(found: object) -> bool:
    return isinstance(found, list) and len(found) == 3 and all(isinstance(text, str) for text in found)
