"""What a long job has done so far, kept on disk, so that a killed job can resume."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType

from protoface.converters import ProtofaceError


class Journal:
    """Of each picture its name, where it went, and a text (a label, or what was wrong with it).

    One line for pictures that were done together. The first line says what the job was asked for; going
    on with something else is refused. A line that the kill cut short is dropped, and its pictures are
    done again. Use it in a `with` statement.
    """

    def __init__(self, path: Path, settings: Mapping[str, object]) -> None:
        self.path = path
        head = json.dumps(settings, sort_keys=True)
        self.done: set[str] = set()
        path.parent.mkdir(parents=True, exist_ok=True)
        whole = 0
        if path.exists():
            with path.open("rb") as file:
                for line in file:
                    if not line.endswith(b"\n"):
                        break
                    if not whole and line.decode("utf-8").strip() != head:
                        raise ProtofaceError(
                            f"{path}: this folder was begun with {line.decode('utf-8').strip()}, now "
                            f"given is {head}; name another folder or remove this one"
                        )
                    if whole:
                        self.done.update(name for name, _, _ in json.loads(line))
                    whole += len(line)
        self._file = path.open("ab")
        self._file.truncate(whole)
        if not whole:
            self._file.write(head.encode() + b"\n")
            self._file.flush()

    def add(self, entries: list[tuple[str, str, str]]) -> None:
        """Note (name, where, text) of pictures whose files are written; on disk before this returns."""
        self._file.write(json.dumps(entries).encode() + b"\n")
        self._file.flush()
        self.done.update(name for name, _, _ in entries)

    def entries(self) -> Iterator[tuple[str, str, str]]:
        """All (name, where, text) noted, in order."""
        with self.path.open(encoding="utf-8") as file:
            next(file)
            for line in file:
                yield from map(tuple, json.loads(line))

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
