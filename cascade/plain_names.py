"""Names of files for libraries that end the process at one that is not UTF-8."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from protoface.converters.errors import ProtofaceError
from protoface.converters.files import PathLike


@contextmanager
def plain_name(path: PathLike) -> Iterator[str]:
    """The absolute name of a file, or that of a link to it if its own is not UTF-8; the suffix stays.

    Absolute, so that no library takes a part of it for a protocol. Raises ProtofaceError if no link can
    be made.
    """
    name = os.path.abspath(path)
    if _is_plain(name):
        yield name
        return
    with TemporaryDirectory(prefix="protoface-") as folder:
        suffix = Path(name).suffix
        link = os.path.join(folder, f"file{suffix if _is_plain(suffix) else ''}")
        try:
            os.symlink(name, link)
        except OSError as error:
            raise ProtofaceError(f"{path}: its name is not UTF-8; rename it") from error
        if not _is_plain(link):
            raise ProtofaceError(f"{path}: neither its name nor that of TMPDIR is UTF-8; rename it")
        yield link


def _is_plain(name: str) -> bool:
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
