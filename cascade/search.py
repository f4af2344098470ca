"""Searching folders for pictures and videos."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from protoface.converters.errors import ProtofaceError

from .formats import PICTURES, VIDEOS, is_video

#: Names that an operating system leaves in folders, and endings of files that are being written.
_LEFT = frozenset(("Thumbs.db", "desktop.ini", "__MACOSX"))
_UNFINISHED = ("~", ".tmp", ".part", ".crdownload")


@dataclass(frozen=True)
class Picture:
    """A picture or video file that was found under `root`, the folder that was searched or its own."""

    path: Path
    root: Path

    @property
    def name(self) -> Path:
        """Its path below `root`: the name of a drawn copy, and its key in lists."""
        return self.path.relative_to(self.root)


@dataclass(frozen=True)
class Found:
    """What a path stands for, in order. `skipped` says of each other file why it is not taken."""

    pictures: tuple[Picture, ...] = ()
    videos: tuple[Picture, ...] = ()
    skipped: Mapping[Path, str] = field(default_factory=dict)


def search(path: Path) -> Found:
    """The picture or video at `path`, or all of a folder and the folders in it, sorted.

    Hidden files and unfinished ones are left out silently. A link to a folder is followed unless the
    folder is found without it, so links in circles end. Raises ProtofaceError if nothing is there, or
    if a folder holds neither pictures nor videos.
    """
    if not path.is_dir():
        if not os.path.lexists(path):
            raise ProtofaceError(f"{path}: No such file or directory")
        one = (Picture(path, path.parent),)
        return Found(videos=one) if is_video(str(path)) else Found(pictures=one)
    taken, skipped = _sorted_out(_Walk(path))
    pictures = tuple(one for one in taken if one.path.suffix.lower() in PICTURES)
    videos = tuple(one for one in taken if one.path.suffix.lower() not in PICTURES)
    if not taken:
        others = f"; {len(skipped)} other files" if skipped else ""
        raise ProtofaceError(f"{path}: no pictures or videos there{others} ({_suffixes()})")
    return Found(pictures, videos, skipped)


def listed_pictures(path: Path) -> list[Picture]:
    """The picture at `path`, or all of a folder. Raises ProtofaceError if there is none."""
    found = search(path)
    if path.is_dir() and not found.pictures:
        raise ProtofaceError(f"{path}: no pictures there ({_suffixes()})")
    return [*found.pictures, *([] if path.is_dir() else found.videos)]


def _suffixes() -> str:
    return ", ".join(sorted(PICTURES))


def _sorted_out(walk: _Walk) -> tuple[list[Picture], dict[Path, str]]:
    """What can be looked at of a folder, sorted by path, and why the rest cannot."""
    taken, skipped = [], dict(walk.unread)
    for path in walk.files:
        if path.suffix.lower() not in PICTURES | VIDEOS:
            skipped[path] = "neither a picture nor a video, by its suffix"
        elif not os.path.isfile(path):  # Path.is_file raises errors of its own
            skipped[path] = "not a regular file" if os.path.exists(path) else "a link to nothing"
        else:
            taken.append(Picture(path, walk.root))
    taken.sort(key=lambda one: one.path)
    return taken, dict(sorted(skipped.items()))


class _Walk:
    """All files below a folder: first without links to folders, then through those that lead elsewhere.

    `unread` says why a folder could not be looked into.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.files: list[Path] = []
        self.unread: dict[Path, str] = {}
        self._seen: set[tuple[int, int]] = set()
        folders: list[Path] = [root]
        links: list[Path] = []
        while folders or links:
            folder = folders.pop() if folders else links.pop(0)
            inner, linked = self._enter(folder)
            folders += inner
            links += linked

    def _enter(self, folder: Path) -> tuple[list[Path], list[Path]]:
        """Note the files of a folder; the folders in it, and the links to folders."""
        inner: list[Path] = []
        linked: list[Path] = []
        try:
            status = folder.stat()
            if (status.st_dev, status.st_ino) in self._seen:
                return [], []
            self._seen.add((status.st_dev, status.st_ino))
            with os.scandir(folder) as entries:
                for entry in sorted(entries, key=lambda one: one.name):
                    if _left_out(entry.name):
                        continue
                    to = self.files
                    if _is_folder(entry):
                        to = linked if entry.is_symlink() else inner
                    to.append(folder / entry.name)
        except OSError as error:
            if folder == self.root:
                raise ProtofaceError(f"{folder}: {error.strerror or error}") from error
            self.unread[folder] = error.strerror or str(error)
        return inner, linked


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False


def _left_out(name: str) -> bool:
    """Whether a file is none of the user's pictures, whatever it holds."""
    return name.startswith(".") or name in _LEFT or name.endswith(_UNFINISHED)
