"""Writing with the system's reason where it fails: adding to a file, all of it or nothing."""

from __future__ import annotations

import os
from io import FileIO

from protoface.converters.files import PathLike, cannot_write


def append(path: PathLike, data: bytes) -> None:
    """Add `data` to a file, which a full disk leaves as it was. Raises ProtofaceError naming it."""
    size = None
    try:
        with FileIO(os.fspath(path), "ab") as file:
            size = file.tell()
            write_all(file, data)
    except OSError as error:
        if size is not None:
            os.truncate(path, size)
        raise cannot_write(path, error) from error


def write_all(file: FileIO, data: bytes) -> None:
    """Write `data` to the end: a disk takes the last bytes that fit before it says that it is full."""
    left = memoryview(data)
    while left:
        left = left[file.write(left) :]
