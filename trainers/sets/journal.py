"""What a long job has done so far, kept on disk, so that a killed job can resume."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import TracebackType

from protoface.converters import ProtofaceError
from protoface.converters.files import replacing

from ..appending import append

Entry = tuple[str, str, str]


class Journal:
    """Of each picture its name, where it went, and a text (a label, or what was wrong with it).

    One line for pictures that were done together. The first line says what the job was asked for; going
    on with something else is refused. What cannot be read, as a line that a kill cut short, is dropped,
    and its pictures are done again; what is noted twice counts once. Use it in a `with` statement, by
    one process at a time. Raises ProtofaceError naming the file if it cannot be written.
    """

    def __init__(self, path: Path, settings: Mapping[str, object]) -> None:
        self.path = path
        self.done: set[str] = set()
        self._head = json.dumps(settings, sort_keys=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            append(path, self._head.encode() + b"\n")
        elif sum(map(len, self._mended())) != path.stat().st_size:
            with replacing(path) as temporary, temporary.open("wb") as file:
                file.writelines(self._mended())

    def add(self, entries: list[Entry]) -> None:
        """Note (name, where, text) of pictures whose files are written; on disk before this returns."""
        append(self.path, _line(entries))
        self.done.update(name for name, _, _ in entries)

    def entries(self, order: Iterable[str] | None = None) -> Iterator[Entry]:
        """All (name, where, text) noted: as they came, or those of `order`, names, in that order."""
        with self.path.open("rb") as file:
            next(file)
            noted = (entry for line in file for entry in _entries(line))
            if order is None:
                yield from noted
                return
            found = {entry[0]: entry for entry in noted}
        yield from (found[name] for name in order if name in found)

    def _mended(self) -> Iterator[bytes]:
        """The file's lines without what cannot be read and what comes twice; sets `done`."""
        self.done.clear()
        with self.path.open("rb") as file:
            head = file.readline()
            if head.endswith(b"\n"):
                self._check(head.decode("utf-8", "replace").strip())
            yield self._head.encode() + b"\n"
            for line in file:
                entries = _entries(line)
                new = {entry[0]: entry for entry in entries if entry[0] not in self.done}
                self.done.update(new)
                if new:
                    yield line if len(new) == len(entries) else _line(list(new.values()))

    def _check(self, begun: str) -> None:
        if begun != self._head:
            raise ProtofaceError(
                f"{self.path}: this folder was begun with {begun}, now given is {self._head}; name "
                "another folder or remove this one"
            )

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing is open."""


def _line(entries: list[Entry]) -> bytes:
    return json.dumps(entries).encode() + b"\n"


def _entries(line: bytes) -> list[Entry]:
    """What a line notes; nothing where it is no whole line of a journal."""
    try:
        found = json.loads(line) if line.endswith(b"\n") else []
    except ValueError:
        return []
    if not isinstance(found, list) or not all(map(_is_entry, found)):
        return []
    return [(name, where, text) for name, where, text in found]


def _is_entry(found: object) -> bool:
    return isinstance(found, list) and len(found) == 3 and all(isinstance(text, str) for text in found)
