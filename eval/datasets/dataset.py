"""Annotated sets of pictures, in any of the layouts of folders whose readers are in this package."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from protoface.cascade.layouts import Layout
from protoface.converters.errors import ProtofaceError
from protoface.converters.files import PathLike

Floats = NDArray[np.float64]
#: Partitions by their numbers in CelebA's list; NO_PART: the set does not say.
PARTS = ("train", "val", "test")
NO_PART = -1
#: Part of the pictures that is for training where nothing says so; the original experiment's.
TRAIN_SHARE = 0.8


@dataclass(frozen=True)
class Labelled:
    """One face of a set: `points` (n, 2) are pixels; `part` is one of PARTS, "" if the set has none."""

    name: str
    path: str
    points: Floats
    part: str


@dataclass(frozen=True, eq=False)
class Dataset:
    """Pictures with a face each, whose true points are known.

    `root` is the set's folder. `names` (n) are paths of pictures relative to `folder`; a picture with
    several faces is there once for each. `truth` (n, points, 2) is in pixels, in the order of
    `layout`. `parts` (n) are indices of PARTS, or NO_PART. `boxes` (n, 4) are x, y, width, height, or
    None; a face without one has NaN. `attributes` are what the set says of its faces: name -> (n)
    bool. `distances` are lengths (n) in pixels that are not those of `truth`, as after a conversion.
    `unlabelled` are names that have a part but no points: name -> part. `skipped` says, a line each,
    which names cannot be measured and why.
    """

    name: str
    root: Path
    layout: Layout
    folder: Path
    names: tuple[str, ...]
    truth: Floats
    parts: NDArray[np.int8]
    boxes: Floats | None = None
    attributes: Mapping[str, NDArray[np.bool_]] = field(default_factory=dict)
    distances: Mapping[str, Floats] = field(default_factory=dict)
    unlabelled: Mapping[str, int] = field(default_factory=dict)
    skipped: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.names)

    def __iter__(self) -> Iterator[Labelled]:
        folder = self.folder.as_posix()
        for name, points, part in zip(self.names, self.truth, self.parts.tolist(), strict=True):
            yield Labelled(name, f"{folder}/{name}", points, PARTS[part] if part >= 0 else "")

    @cached_property
    def paths(self) -> tuple[Path, ...]:
        """Where the pictures are (n)."""
        return tuple(self.folder / name for name in self.names)

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
            self,
            names=tuple(self.names[index] for index in at.tolist()),
            truth=self.truth[at],
            parts=self.parts[at],
            boxes=None if self.boxes is None else self.boxes[at],
            attributes={name: flags[at] for name, flags in self.attributes.items()},
            distances={name: lengths[at] for name, lengths in self.distances.items()},
        )

    def evenly(self, at_most: int) -> Dataset:
        """All faces, or `at_most` of them, spread evenly over the set's order."""
        if len(self) <= at_most:
            return self
        return self.subset(np.arange(at_most) * len(self) // at_most)

    def partition(self, name: str) -> Dataset:
        """The faces of a partition: train, val or test, or a folder of the pictures (`lfpw/testset`).

        Raises ProtofaceError if there is none of that name, or if it is empty.
        """
        if name in PARTS and (self.parts == NO_PART).all():
            raise ProtofaceError(
                f"{self.root}: does not say which pictures are for train, val or test; leave out "
                "--partition to measure all"
            )
        skipped = self.skipped
        if name in PARTS:
            number = PARTS.index(name)
            inside = self.parts == number
            absent = [entry for entry, part in self.unlabelled.items() if part == number]
            skipped += tuple(f"{entry}: in the partition, but it has no points" for entry in absent)
        else:
            inside = np.array([entry.startswith(f"{name.rstrip('/')}/") for entry in self.names], bool)
            if not inside.any():
                known = (*PARTS, *_folders(self.names))
                raise ProtofaceError(
                    f"{self.root}: partition '{name}' is unknown; there are {', '.join(known)}"
                )
        if not inside.any():
            raise ProtofaceError(f"{self.root}: the partition '{name}' is empty")
        chosen = self.subset(np.flatnonzero(inside))
        return replace(chosen, name=f"{self.root.name} {name}", unlabelled={}, skipped=skipped)

    def existing(self) -> Dataset:
        """The faces whose pictures are there; those of the others are named in `skipped`.

        Raises ProtofaceError if nothing is left.
        """
        there = np.array([os.path.isfile(face.path) for face in self], bool)
        missing = (self.folder / self.names[index] for index in np.flatnonzero(~there).tolist())
        skipped = *self.skipped, *(f"{path}: listed, but there is no such picture" for path in missing)
        if not there.any():
            raise ProtofaceError(
                f"{self.root}: no picture to measure in {self.name}; {len(skipped)} were skipped"
            )
        return replace(self.subset(np.flatnonzero(there)), skipped=skipped)

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


def _folders(names: Sequence[str], at_most: int = 8) -> list[str]:
    """The folders of pictures, to be listed in an error; with `...` where there are more."""
    folders = sorted({name.rpartition("/")[0] for name in names} - {""})
    return folders if len(folders) <= at_most else [*folders[:at_most], "..."]


#: What a reader makes of a set's folder.
Reader = Callable[[Path], Dataset]


@dataclass(frozen=True)
class SetLayout:
    """A layout of folders: what it is known by, in words, whether a folder has it, and its reader."""

    known_by: str
    holds: Callable[[Path], bool]
    read: Reader


#: Modules of this package with a reader each, asked in this order: the cheap questions first.
READERS = ("landmarks68", "celeba", "wflw", "w300")
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


def list_dataset(folder: PathLike, seed: int | None = None) -> Dataset:
    """All faces that the set in a folder lists, whether or not their pictures are there.

    Where the set has no partitions, `seed` draws four fifths of the faces for training and the others
    for test, each on its own, as the original experiment did (there unseeded); None draws nothing.
    Raises ProtofaceError for a folder that no reader knows, and for lists that cannot be read.
    """
    root = Path(folder)
    if not root.is_dir():
        raise ProtofaceError(f"{root}: not a folder")
    for name in READERS:
        importlib.import_module(f"{__package__}.{name}")
    known = next((_LAYOUTS[name] for name in READERS if _LAYOUTS[name].holds(root)), None)
    if known is None:
        looked_for = ", ".join(_LAYOUTS[name].known_by for name in READERS)
        raise ProtofaceError(
            f"{root}: holds no annotated set that can be read: has none of {looked_for}"
        )
    found = known.read(root)
    if seed is None or (found.parts != NO_PART).any():
        return found
    drawn = np.random.default_rng(seed).random(len(found)) <= TRAIN_SHARE
    return replace(found, parts=np.where(drawn, PARTS.index("train"), PARTS.index("test")))


def read_dataset(folder: PathLike, partition: str | None = None) -> Dataset:
    """The set in a folder, ready to be measured: the faces of a partition whose pictures are there.

    `partition` is train, val, test, or a folder of the set's pictures; None takes all. The layouts that
    can be read are in the modules READERS. Raises ProtofaceError as `list_dataset` does, for an
    unknown or empty partition, and if not one picture is there; single ones that are missing are in
    `Dataset.skipped`.
    """
    found = list_dataset(folder)
    return (found if partition is None else found.partition(partition)).existing()
