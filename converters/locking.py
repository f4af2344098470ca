"""One process at a time: a lock file that names who holds it."""

from __future__ import annotations

import logging
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .errors import ProtofaceError
from .files import PathLike, cannot_write

#: Name of a folder's lock file.
LOCK = ".protoface.lock"
LOG = logging.getLogger(__name__)


@contextmanager
def alone(path: PathLike) -> Iterator[None]:
    """Hold the lock file `path` (in a folder: `folder / LOCK`) within the block, and remove it after.

    The lock is the system's (flock), so that of a process that was killed is free: it is taken over,
    which is logged. Raises ProtofaceError naming process and host that hold it.
    """
    from filelock import FileLock, Timeout

    path = Path(path)
    lock = FileLock(path, timeout=0)
    before = _holder(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout:
        raise ProtofaceError(
            f"{path}: {before or 'another process'} works here; wait until it ends, or name another "
            "place for the output"
        ) from None
    except OSError as error:
        raise cannot_write(path, error) from error
    try:
        if before:
            LOG.warning("%s: taken over from %s, which was killed", path, before)
        _sign(path)
        yield
    finally:
        path.unlink(missing_ok=True)
        lock.release()


def _sign(path: Path) -> None:
    try:
        path.write_text(f"process {os.getpid()} on {platform.node()}\n", encoding="utf-8")
    except OSError as error:
        raise cannot_write(path, error) from error


def _holder(path: Path) -> str:
    """Who signed the lock file, "" if there is none."""
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            return file.readline(200).strip()
    except OSError:
        return ""
