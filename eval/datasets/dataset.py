"""Annotated sets of pictures, in any of the layouts of folders whose readers are in this package."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from protoface.cascade.layouts import Layout
from protoface.converters.errors import ProtofaceError
from protoface.converters.files import PathLike

from .picture_set import NO_PART, PARTS, Floats, PictureSet

#: Part of the pictures that is for training where nothing says so; the original experiment's.
TRAIN_SHARE = 0.8


@dataclass(frozen=True)
class Labelled:
    """One face of a set: `points` (n, 2) are pixels; `part` is one of PARTS, "" if the set has none."""

    name: str
    path: str
    points: Floats
    part: str


@dataclass(frozen=True, eq=False, kw_only=True)
class Dataset(PictureSet):
    """Faces whose true points are known.

    It has the fields of a `PictureSet`; a picture with several faces is there once for each. `truth`
    (n, points, 2) is in pixels, in the order of `layout`. `boxes` (n, 4) are x, y, width, height, or
    None; a face without one has NaN. `attributes` are what the set says of its faces: name -> (n) bool.
    `distances` are lengths (n) in pixels that are not those of `truth`, as after a conversion.
    """

    layout: Layout
    truth: Floats
    boxes: Floats | None = None
    attributes: Mapping[str, NDArray[np.bool_]] = field(default_factory=dict)
    distances: Mapping[str, Floats] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Labelled]:
        folder = self.folder.as_posix()
        for name, points, part in zip(self.names, self.truth, self.parts.tolist(), strict=True):
            yield Labelled(name, f"{folder}/{name}", points, PARTS[part] if part >= 0 else "")

    def distance(self, name: str) -> Floats | None:
        """A length (n) in pixels, such as `inter_ocular`; None if the layout does not have it."""
        if name in self.distances:
            return self.distances[name]
        return self.layout.distance(name, self.truth) if name in self.layout.distances else None

    @property
    def inter_ocular(self) -> Floats:
        """Distance (n) of the eyes as the literature measures it for the set's own layout, in pixels.

        Raises ProtofaceError for a layout that does not have it.
        """
        found = self.distance("inter_ocular")
        if found is None:
            raise ProtofaceError(
                f"{self.root}: its layout {self.layout} has no distance 'inter_ocular'"
            )
        return found

    def subset(self, indices: Sequence[int] | NDArray[np.int64]) -> Dataset:
        """The faces at `indices`, in that order."""
        at = np.asarray(indices, np.int64)
        return replace(
            super().subset(at),
            truth=self.truth[at],
            boxes=None if self.boxes is None else self.boxes[at],
            attributes={name: flags[at] for name, flags in self.attributes.items()},
            distances={name: lengths[at] for name, lengths in self.distances.items()},
        )

    def as_layout(self, layout: Layout) -> Dataset:
        """The same faces with points of another layout; distances stay those of the set's own.

        Raises ProtofaceError if the set's layout does not say how.
        """
        if self.layout.same_points(layout):
            return self
        lengths = {name: self.distance(name) for name in (*self.layout.distances, *self.distances)}
        return replace(
            self,
            layout=layout,
            truth=self.layout.convert(self.truth, layout),
            distances={name: length for name, length in lengths.items() if length is not None},
        )


#: What a reader makes of a set's folder.
Reader = Callable[[Path], PictureSet]


@dataclass(frozen=True)
class SetLayout:
    """A layout of folders: what it is known by, in words, whether a folder has it, and its reader."""

    known_by: str
    holds: Callable[[Path], bool]
    read: Reader


#: Modules of this package with a reader each, asked in this order: the cheap questions first.
READERS = ("landmarks68", "celeba", "wflw", "wider", "w300", "no_faces")
#: Those whose sets have boxes or no faces at all, a BoxSet.
WITHOUT_POINTS = ("wider", "no_faces")
_LAYOUTS: dict[str, SetLayout] = {}


def register(known_by: str, holds: Callable[[Path], bool]) -> Callable[[Reader], Reader]:
    """Decorator of a module's reader: it reads the folders for which `holds` is true.

    A reader lists all faces, whether or not their pictures are there, and raises ProtofaceError naming
    file and line of what it cannot read.
    """

    def add(read: Reader) -> Reader:
        _LAYOUTS[read.__module__.rpartition(".")[2]] = SetLayout(known_by, holds, read)
        return read

    return add


def list_set(folder: PathLike) -> PictureSet:
    """The set that a folder lists, whether or not its pictures are there: a Dataset or a BoxSet.

    Raises ProtofaceError for a folder that no reader knows, and for lists that cannot be read.
    """
    root = Path(folder)
    if not root.is_dir():
        raise ProtofaceError(f"{root}: not a folder")
    for name in READERS:
        importlib.import_module(f"{__package__}.{name}")
    known = next((_LAYOUTS[name] for name in READERS if _LAYOUTS[name].holds(root)), None)
    if known is None:
        raise ProtofaceError(
            f"{root}: holds no annotated set that can be read: has none of {_looked_for(READERS)}"
        )
    return known.read(root)


def _looked_for(readers: Sequence[str]) -> str:
    """What sets are known by, to be listed in an error."""
    return ", ".join(_LAYOUTS[name].known_by for name in readers)


def read_set(folder: PathLike, partition: str | None = None) -> PictureSet:
    """`list_set`, ready to be measured: the entries of a partition whose pictures are there.

    `partition` is train, val, test, or a folder of the set's pictures; None takes all. Raises
    ProtofaceError as `list_set` does, for an unknown or empty partition, and if not one picture is
    there; single ones that are missing are in `skipped`.
    """
    found = list_set(folder)
    return (found if partition is None else found.partition(partition)).existing()


def list_dataset(folder: PathLike, seed: int | None = None) -> Dataset:
    """All faces with points that the set in a folder lists, whether or not their pictures are there.

    Where the set has no partitions, `seed` draws four fifths of the faces for training and the others
    for test, each on its own, as the original experiment did (there unseeded); None draws nothing.
    Raises ProtofaceError as `list_set` does, and for a set without points.
    """
    found = _with_points(list_set(folder))
    if seed is None or (found.parts != NO_PART).any():
        return found
    drawn = np.random.default_rng(seed).random(len(found)) <= TRAIN_SHARE
    return replace(found, parts=np.where(drawn, PARTS.index("train"), PARTS.index("test")))


def read_dataset(folder: PathLike, partition: str | None = None) -> Dataset:
    """`read_set` for a set with points. Raises ProtofaceError as that does, and for one without."""
    return _with_points(read_set(folder, partition))


def _with_points(found: PictureSet) -> Dataset:
    if isinstance(found, Dataset):
        return found
    needed = _looked_for([name for name in READERS if name not in WITHOUT_POINTS])
    raise ProtofaceError(
        f"{found.root}: holds pictures without points of faces, this needs a set with points: has none "
        f"of {needed}"
    )
