"""What a long job has done so far, a line for each piece of work, so that a killed job can go on."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from .appending import append
from .errors import ProtofaceError
from .files import cannot_write, replacing


class Records:
    """Records (anything that JSON holds) in a file, each on disk before `add` returns.

    The first line says what the job was asked for, `settings`; a job that is asked for something else
    is refused: `what` was begun as another, with the `remedy`. A line that a kill cut short, or that
    cannot be read, is dropped: its work is done again. For one process at a time. Raises ProtofaceError
    naming the file.
    """

    def __init__(self, path: Path, settings: Mapping[str, object], what: str, remedy: str) -> None:
        self.path = path
        self._head = json.dumps(settings, sort_keys=True)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise cannot_write(path, error) from error
        if not path.exists():
            append(path, self._head.encode() + b"\n")
            return
        begun = self._begun()
        if begun is not None and begun != self._head:
            raise ProtofaceError(
                f"{path}: {what} was begun with {begun}, now given is {self._head}; {remedy}"
            )
        if begun is None or not self._is_whole():
            self.keep(self.records())

    def _begun(self) -> str | None:
        """The first line; None if it is cut short."""
        with self.path.open("rb") as file:
            line = file.readline()
        return line.decode("utf-8", "replace").strip() if line.endswith(b"\n") else None

    def _is_whole(self) -> bool:
        with self.path.open("rb") as file:
            return all(_read(line) is not None for line in file)

    def add(self, record: Any) -> None:
        """Append a record. Raises OutputError where there is no room."""
        append(self.path, _line(record))

    def records(self) -> Iterator[Any]:
        """All records, in order."""
        with self.path.open("rb") as file:
            next(file, None)
            yield from (found[0] for found in map(_read, file) if found is not None)

    def keep(self, records: Iterable[Any]) -> None:
        """Let these be the only ones."""
        with replacing(self.path) as temporary, temporary.open("wb") as file:
            file.write(self._head.encode() + b"\n")
            file.writelines(map(_line, records))


def _line(record: Any) -> bytes:
    return json.dumps(record).encode() + b"\n"


def _read(line: bytes) -> tuple[Any] | None:
    """The record of a line; None if it is not a whole one."""
    try:
        return (json.loads(line),) if line.endswith(b"\n") else None
    except ValueError:
        return None
