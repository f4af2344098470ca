"""Files that appear whole or not at all, and are read with errors that name them."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from .errors import ProtofaceError

PathLike = str | os.PathLike[str]


@contextmanager
def replacing(path: PathLike) -> Iterator[Path]:
    """Yield a temporary path in the folder of `path`; it takes the place of `path` if no error comes.

    The temporary name ends as `path` does, since many writers choose the format by the suffix. On an
    error, or when the process is killed, `path` keeps what it held. Raises ProtofaceError if the folder
    cannot be written to.
    """
    target = Path(path)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        prefix = f".{target.stem}."
        handle, name = tempfile.mkstemp(prefix=prefix, suffix=target.suffix, dir=target.parent)
    except OSError as error:
        raise ProtofaceError(f"{path}: cannot be written: {error.strerror or error}") from error
    os.close(handle)
    try:
        yield Path(name)
        os.chmod(name, 0o666 & ~_umask())  # mkstemp makes files that only their owner can read
        os.replace(name, target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def write_text(path: PathLike, text: str) -> None:
    """Write `text` as UTF-8 by way of `replacing`."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def refuse_inputs(outputs: Iterable[PathLike], inputs: Iterable[PathLike]) -> None:
    """Raise ProtofaceError if a file to be written is one that is read, by way of links too."""
    there = [(path, identity) for path in outputs if (identity := _identity(path)) is not None]
    read = set(map(_identity, inputs)) if there else set()  # mostly nothing is there yet
    for path, identity in there:
        if identity in read:
            raise ProtofaceError(f"{path}: is read, so it cannot be written; choose another name")


def _identity(path: PathLike) -> tuple[int, int] | None:
    """What makes a file the same one under all of its names; None if there is none."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def read_bytes(path: PathLike) -> bytes:
    """The content of a file.

    Raises ProtofaceError if it is missing, empty, a folder or may not be read.
    """
    try:
        # unbuffered: with thousands of small pictures the usual way is 3 % of the whole job
        with open(path, "rb", buffering=0) as file:
            data = file.readall()
    except OSError as error:
        raise ProtofaceError(f"{path}: {error.strerror or error}") from error
    if not data:
        raise ProtofaceError(f"{path}: the file is empty")
    return data


def check_readable(path: PathLike) -> None:
    """Raise what `read_bytes` would, without reading the file."""
    try:
        with open(path, "rb") as file:
            empty = not file.read(1)
    except OSError as error:
        raise ProtofaceError(f"{path}: {error.strerror or error}") from error
    if empty:
        raise ProtofaceError(f"{path}: the file is empty")


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
