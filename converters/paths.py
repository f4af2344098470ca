"""Names and paths that come out of a file, which may be anybody's: where they may lead.

A name that becomes a file's is plain; a file that another one names lies in that one's folder.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from .errors import ProtofaceError
from .files import PathLike

PLAIN = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*")
#: Letters of a name: with a suffix and what `replacing` adds it fits every file system.
LONGEST_NAME = 100
#: Letters of a path; Linux takes 4096.
LONGEST_PATH = 1000
TRUST = "copy it there, or say that files outside are trusted (--outside)"


def check_name(name: str, where: str) -> None:
    """Raise ProtofaceError beginning with `where` unless a name may become that of a file."""
    if not PLAIN.fullmatch(name) or len(name) > LONGEST_NAME:
        raise ProtofaceError(
            f"{where}: the name {shown(name)} becomes a file's: take at most {LONGEST_NAME} letters, "
            "digits and ._- without a dot in front"
        )


def inside(
    folder: PathLike, name: str, where: str, root: PathLike | None = None, remedy: str = TRUST
) -> Path:
    """The path of `name`, relative to `folder`, if it lies in there, links followed.

    With a `root`, a folder around `folder`, it may lie anywhere in that one. A file need not be there,
    but what is there is a file. Raises ProtofaceError beginning with `where`.
    """
    path = _joined(folder, name, where)
    steps_out = ".." in Path(name).parts and root is None
    if Path(name).is_absolute() or steps_out or not lies_in(folder if root is None else root, path):
        raise ProtofaceError(
            f"{where} {shown(name)} is not in the folder {os.fspath(root or folder)}; {remedy}"
        )
    return _regular(path, f"{where} {shown(name)}")


def anywhere(folder: PathLike, name: str, where: str) -> Path:
    """The path of `name`, relative to `folder`, wherever it leads: for files that the user trusts.

    Raises ProtofaceError beginning with `where` for what is there and no file.
    """
    return _regular(_joined(folder, name, where), f"{where} {shown(name)}")


def _joined(folder: PathLike, name: str, where: str) -> Path:
    if "\0" in name or len(name) > LONGEST_PATH:
        raise ProtofaceError(f"{where} {shown(name)} is no file's name")
    return Path(folder) / name


def _regular(path: Path, where: str) -> Path:
    """The path, unless something is there that is no file: a pipe would keep its reader waiting."""
    try:
        wrong = path.exists() and not path.is_file()
    except OSError as error:
        raise ProtofaceError(f"{where}: {error.strerror or error}") from error
    if wrong:
        raise ProtofaceError(f"{where} is not a regular file")
    return path


def written(folder: PathLike, names: Iterable[str], where: str) -> dict[str, Path]:
    """The paths of files that are to be written into a folder, by their names.

    Raises ProtofaceError beginning with `where` for a name that leads elsewhere, by a link too, and for
    two names that are one file (where big and small letters are alike).
    """
    paths: dict[str, Path] = {}
    met: set[str] = set()
    for name in names:
        if name.casefold() in met:
            raise ProtofaceError(f"{where}: '{name}' would be written twice; rename a stage")
        met.add(name.casefold())
        path = _joined(folder, name, where)
        if not lies_in(folder, path):
            raise ProtofaceError(
                f"{where}: {path} leads out of the folder that is written, to "
                f"{os.path.realpath(path)}; remove that link, or choose another folder (--out)"
            )
        paths[name] = _regular(path, f"{where}: {path}")
    return paths


def lies_in(folder: PathLike, path: PathLike) -> bool:
    """Whether a path leads into a folder, links followed."""
    if "\0" in os.fspath(path):  # no file has such a name
        return False
    return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder))


@contextmanager
def discreet(path: PathLike, folders: Sequence[PathLike], what: str) -> Iterator[None]:
    """Errors in reading a file that lies in none of `folders` do not tell what is in it.

    `what` the file should be. Whoever names a file of the user's in one of his own would else have
    its lines shown, in a log for one.
    """
    try:
        yield
    except ProtofaceError:
        if any(lies_in(folder, path) for folder in folders):
            raise
        raise ProtofaceError(
            f"{path}: cannot be read as {what}; the file lies elsewhere, so no line of it is shown"
        ) from None


def shown(name: str) -> str:
    """A name in quotes, as far as it fits into an error."""
    return repr(name if len(name) <= 80 else f"{name[:80]}...")
