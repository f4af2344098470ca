"""What a long job has done so far, a line for each piece of work, so that a killed job can go on."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from .errors import ProtofaceError
from .files import cannot_write


class Journal:
    """Records (anything that JSON holds) in a file, each on disk before `add` returns.

    The first line says what the job was asked for, `settings`; a job that is asked for something else
    is refused. A line that a kill cut short is dropped: its work is done again. Use it in a `with`
    statement, by one process at a time.
    """

    def __init__(self, path: Path, settings: Mapping[str, object], remedy: str) -> None:
        self.path = path
        head = json.dumps(settings, sort_keys=True)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            kept = self._kept(head, remedy)
            self._file = path.open("ab", buffering=0)
            self._file.truncate(kept)
            if not kept:
                self._write(head)
        except OSError as error:
            raise cannot_write(path, error) from error

    def _kept(self, head: str, remedy: str) -> int:
        """The length of the whole lines there. Raises ProtofaceError if the first is another."""
        if not self.path.exists():
            return 0
        with self.path.open("rb") as file:
            first = file.readline()
            if not first.endswith(b"\n"):
                return 0
            if first.decode("utf-8", "replace").strip() != head:
                raise ProtofaceError(
                    f"{self.path}: was begun with {_shown(first)}, now given is {head}; {remedy}"
                )
            return len(first) + sum(len(line) for line in file if line.endswith(b"\n"))

    def _write(self, line: str) -> None:
        data = line.encode() + b"\n"
        while data:
            data = data[self._file.write(data) :]

    def add(self, record: Any) -> None:
        """Append a record. Raises ProtofaceError where there is no room."""
        try:
            self._write(json.dumps(record))
        except OSError as error:
            raise cannot_write(self.path, error) from error

    def records(self) -> Iterator[Any]:
        """All records, in order."""
        with self.path.open(encoding="utf-8") as file:
            next(file)
            yield from map(json.loads, file)

    def cut(self, count: int) -> None:
        """Keep only the first `count` records."""
        with self.path.open("rb") as file:
            kept = sum(len(line) for _, line in zip(range(count + 1), file, strict=False))
        self._file.truncate(kept)

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()


def _shown(line: bytes) -> str:
    return line.decode("utf-8", "replace").strip()[:2000]
