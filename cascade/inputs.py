"""What a detection looks at: pictures and videos, and where their drawn copies go."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from protoface.converters.errors import ProtofaceError
from protoface.converters.files import refuse_inputs

from .formats import is_camera
from .search import Found, Picture, search


@dataclass(frozen=True)
class Sources:
    """Pictures first, then videos and cameras (their numbers); `skipped` says why a file is neither."""

    pictures: Sequence[Picture] = ()
    videos: Sequence[Picture] = ()
    skipped: Mapping[Path, str] = field(default_factory=dict)

    @property
    def items(self) -> list[Picture]:
        """All of them, in the order in which they are done."""
        return [*self.pictures, *self.videos]

    @property
    def files(self) -> list[Path]:
        """All that is read; a camera is no file."""
        return [item.path for item in self.items if not is_camera(item.path)]


def find_sources(paths: Iterable[str]) -> Sources:
    """All pictures and videos of files, folders and cameras' numbers.

    Raises ProtofaceError for a path that is not there and a folder that holds none.
    """
    found = [_camera(path) if is_camera(path) else search(Path(path)) for path in paths]
    return Sources(
        [one for each in found for one in each.pictures],
        [one for each in found for one in each.videos],
        {path: why for each in found for path, why in each.skipped.items()},
    )


def _camera(number: str) -> Found:
    return Found(videos=(Picture(Path(number), Path()),))


def copy_name(item: Picture, video: bool) -> Path:
    """Name of the drawn copy, below the folder for them; copies of videos are .mp4."""
    if is_camera(item.path):
        return Path(f"camera_{item.path}.mp4")
    return item.name.with_suffix(".mp4") if video else item.name


def check_copies(sources: Sources, out: Path) -> None:
    """Raise ProtofaceError if a drawn copy would replace what is read, or another copy."""
    names = [(item, copy_name(item, video=False)) for item in sources.pictures]
    names += [(item, copy_name(item, video=True)) for item in sources.videos]
    taken: dict[Path, Picture] = {}
    for item, name in names:
        if name in taken:
            raise ProtofaceError(
                f"{item.path}: {taken[name].path} is written to {out / name} too; give another --out"
            )
        taken[name] = item
    refuse_inputs((out / name for name in taken), sources.files)
