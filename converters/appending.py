"""Adding to a file, all of it or nothing."""

from __future__ import annotations

import os
from io import FileIO

from protoface.converters.files import PathLike, cannot_write, write_all


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
