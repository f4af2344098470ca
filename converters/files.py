"""Files that appear whole or not at all, and are read with errors that name them."""

from __future__ import annotations

import errno
import os
import platform
import re
import shutil
import stat
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path
from typing import TextIO

from .errors import OutputError, ProtofaceError
from .streams import descriptor, is_stream, opened, opened_text

PathLike = str | os.PathLike[str]
#: Why a system does not take what is written, whatever a library makes of it.
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
#: Bytes that a full disk does not take, and one with room does.
_PROBE = 1 << 16
_HOST = re.sub(r"[^A-Za-z0-9.-]", "", platform.node())[:60]
_TEMPORARY = re.compile(rf"\..*\.(\d+)@{re.escape(_HOST)}-[a-z0-9_]{{8}}(\.[^.]*)?")


@contextmanager
def replacing(path: PathLike) -> Iterator[Path]:
    """Yield a temporary path in the folder of `path`; it takes the place of `path` if no error comes.

    The temporary name ends as `path` does, since many writers choose the format by the suffix. On an
    error, or when the process is killed, `path` keeps what it held; a killed process's temporary file
    is removed by the next that writes there. A link stays a link: what it leads to is replaced. What
    is not a regular file (a device, a pipe, `-` for standard output) gets the content in the end.
    Raises ProtofaceError if the folder cannot be written to or has no room.
    """
    stream = is_stream(path)
    target = Path(os.path.realpath(path))
    temporary = _temporary(path, Path(tempfile.gettempdir()) if stream else target.parent, target)
    try:
        with explained(path, temporary):
            yield temporary
            if stream:
                with opened(path) as file, temporary.open("rb") as content:
                    shutil.copyfileobj(content, file)
            else:
                os.chmod(temporary, _mode(target))
                os.replace(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)
        _OWN.discard(temporary.name)


@contextmanager
def writing(path: PathLike) -> Iterator[TextIO]:
    """Yield a text file (UTF-8) that takes the place of `path` in the end, as with `replacing`.

    What is not a regular file gets each line as it is written. Raises ProtofaceError as `replacing`.
    """
    if is_stream(path):
        with explained(path), opened_text(path) as file:
            yield file
    else:
        with replacing(path) as temporary, _text(temporary) as file:
            yield file


def _text(path: Path) -> TextIO:
    # names of files may hold bytes that are not UTF-8: written as they are
    return path.open("w", encoding="utf-8", errors="surrogateescape", newline="")


def write_text(path: PathLike, text: str) -> None:
    """Write `text` as UTF-8 by way of `replacing`."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


@contextmanager
def explained(path: PathLike, written: Path | None = None) -> Iterator[None]:
    """Turn an error of a full disk into a ProtofaceError that names `path`.

    Libraries say it in many ways, so after any error it is tried whether `written`, which is lost
    anyway, can grow.
    """
    try:
        yield
    except Exception as error:
        full = error if isinstance(error, OSError) and error.errno in _FULL else None
        if full is None and written is not None:
            full = _refused(written)
        if full is None:
            raise
        raise cannot_write(path, full) from error


def cannot_write(path: PathLike, error: OSError) -> OutputError:
    """The error of a file that cannot be written, with the system's reason."""
    return OutputError(f"{path}: cannot be written: {error.strerror or error}")


def _refused(path: Path) -> OSError | None:
    """Why the system does not let a file grow; None if it does."""
    try:
        with FileIO(os.fspath(path), "ab") as file:
            write_all(file, bytes(_PROBE))
            os.fsync(file.fileno())
    except OSError as error:
        return error if error.errno in _FULL else None
    return None


def write_all(file: FileIO, data: bytes) -> None:
    """Write `data` to the end: a disk takes the last bytes that fit before it says that it is full."""
    left = memoryview(data)
    while left:
        left = left[file.write(left) :]


#: Names of temporary files that this process writes now, and folders that it has cleared.
_OWN: set[str] = set()
_CLEARED: set[Path] = set()


def _temporary(path: PathLike, folder: Path, target: Path) -> Path:
    """A new empty file in `folder`, named after `target`, this process and this host."""
    prefix = f".{target.stem[:60]}.{os.getpid()}@{_HOST}-"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _clear(folder)
        if target.exists() and not os.access(target, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        handle, name = tempfile.mkstemp(prefix=prefix, suffix=target.suffix[:20], dir=folder)
    except OSError as error:
        raise cannot_write(path, error) from error
    os.close(handle)
    _OWN.add(os.path.basename(name))
    return Path(name)


def _clear(folder: Path) -> None:
    """Remove what killed processes of this host left in a folder; looked for once in a process."""
    if folder in _CLEARED:
        return
    _CLEARED.add(folder)
    for name in os.listdir(folder):
        found = _TEMPORARY.fullmatch(name)
        if found and name not in _OWN and not _alive(int(found[1])):
            (folder / name).unlink(missing_ok=True)


def _alive(process: int) -> bool:
    if process == os.getpid():
        return False  # a name that is not in use here: of an earlier process with this number
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:  # another user's
        return True
    return True


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
    return _read(path)


def check_readable(path: PathLike) -> None:
    """Raise what `read_bytes` would, without reading the file."""
    _read(path, 1)


def _read(path: PathLike, most: int = -1) -> bytes:
    """The first bytes of a file, `most` or all of them."""
    try:
        # unbuffered: with thousands of small pictures the usual way is 3 % of the whole job
        with open(path, "rb", buffering=0, opener=_regular) as file:
            data = file.read(most)
    except (OSError, ValueError) as error:  # the latter of a name with a null byte
        raise ProtofaceError(f"{path}: {getattr(error, 'strerror', None) or error}") from error
    if not data:
        raise ProtofaceError(f"{path}: the file is empty")
    return data


def _regular(path: str, flags: int) -> int:
    """Open a regular file, or one that the user has open (/dev/stdin, a shell's `<(...)`).

    Any pipe or device that lies in a folder could keep the job waiting for ever.
    """
    number = os.open(path, flags | getattr(os, "O_NONBLOCK", 0))
    mode = os.fstat(number).st_mode
    if stat.S_ISREG(mode) or stat.S_ISDIR(mode):  # a folder has an error of its own
        return number
    os.close(number)
    if descriptor(path) is None:
        raise OSError(errno.EINVAL, "is not a regular file")
    return os.open(path, flags)


def _mode(path: Path) -> int:
    """What a file may be used for: as it was, else as other new files; mkstemp's are their owner's."""
    try:
        return stat.S_IMODE(path.stat().st_mode)
    except OSError:
        return 0o666 & ~_umask()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
