"""Going on with a detection that was interrupted or killed: what is done is not done again."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

from protoface.converters.files import read_bytes
from protoface.converters.locking import alone
from protoface.converters.records import Records

from .inputs import Sources
from .results import Seen

Take = Callable[[Seen], None]
#: The frame of a record that ends a video.
END = -1


class Job:
    """A detection with a journal, or without one: then nothing is done before."""

    def __init__(self, journal: Records | None = None) -> None:
        self.journal = journal

    def replay(self, take: Take) -> int:
        """Give to `take` what was done before; how many pictures and videos that are."""
        if self.journal is None:
            return 0
        items, records = _whole(self.journal)
        self.journal.keep(islice(self.journal.records(), records))
        for record in self.journal.records():
            if record["frame"] != END:
                take(Seen(**record))
        return items

    def noting(self, take: Take) -> Take:
        """`take` that keeps what it took."""
        journal = self.journal
        if journal is None:
            return take

        def note(one: Seen) -> None:
            if one.frame != END:
                take(one)
            journal.add(vars(one))

        return note

    def finish(self) -> None:
        """Remove the journal: all is done, and its outputs are written."""
        if self.journal is not None:
            self.journal.path.unlink()


@contextmanager
def resumable(path: Path | None, settings: Mapping[str, object], go_on: bool) -> Iterator[Job]:
    """A job that keeps its journal in `path`, until it is finished; None for a job without one.

    With `go_on` it starts where the journal ends, else the journal begins anew. Raises ProtofaceError
    if it was begun with other settings, or if another process writes it.
    """
    if path is None:
        yield Job()
        return
    with alone(path.with_name(f"{path.name}.lock")):
        if not go_on:
            path.unlink(missing_ok=True)
        yield Job(Records(path, settings, "this job", "without --resume it begins anew"))


def ended(path: str) -> Seen:
    """The record that a video is done; it has no rows."""
    return Seen(path, frame=END)


def _whole(journal: Records) -> tuple[int, int]:
    """How many items a journal holds whole, and in how many records."""
    items = records = 0
    for number, record in enumerate(journal.records(), 1):
        if record["frame"] in (None, END):
            items, records = items + 1, number
    return items, records


def fingerprint(files: Iterable[Path]) -> str:
    """SHA-256 of what files hold, in order: with another model or list no job goes on."""
    digest = hashlib.sha256()
    for file in files:
        digest.update(hashlib.sha256(read_bytes(file)).digest())
    return digest.hexdigest()[:16]


def listed(sources: Sources) -> str:
    """SHA-256 of the names of all sources, in order."""
    names = "\0".join(str(item.path) for item in sources.items)
    return hashlib.sha256(names.encode("utf-8", "surrogateescape")).hexdigest()[:16]
