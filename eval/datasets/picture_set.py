"""What annotated sets have in common: pictures in a folder, their partitions, which are there."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from protoface.converters.errors import ProtofaceError

Floats = NDArray[np.float64]
#: Partitions by their numbers in CelebA's list; NO_PART: the set does not say.
PARTS = ("train", "val", "test")
NO_PART = -1

Set = TypeVar("Set", bound="PictureSet")


@dataclass(frozen=True, eq=False, kw_only=True)
class PictureSet:
    """Entries of an annotated set, a picture each; what is known of an entry is added by its kinds.

    `root` is the set's folder. `names` (n) are paths of pictures relative to `folder`. `parts` (n) are
    indices of PARTS, or NO_PART. `unlabelled` are names that have a part but no annotation: name ->
    part. `skipped` says, a line each, which names cannot be measured and why.
    """

    name: str
    root: Path
    folder: Path
    names: tuple[str, ...]
    parts: NDArray[np.int8]
    unlabelled: Mapping[str, int] = field(default_factory=dict)
    skipped: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.names)

    @cached_property
    def paths(self) -> tuple[Path, ...]:
        """Where the pictures are (n)."""
        return tuple(self.folder / name for name in self.names)

    def subset(self: Set, indices: Sequence[int] | NDArray[np.int64]) -> Set:
        """The entries at `indices`, in that order. Kinds of sets add what is theirs."""
        at = np.asarray(indices, np.int64)
        names = tuple(self.names[index] for index in at.tolist())
        return replace(self, names=names, parts=self.parts[at])

    def evenly(self: Set, at_most: int) -> Set:
        """All entries, or `at_most` of them, spread evenly over the set's order."""
        if len(self) <= at_most:
            return self
        return self.subset(np.arange(at_most) * len(self) // at_most)

    def partition(self: Set, name: str) -> Set:
        """The entries of a partition: train, val or test, or a folder of the pictures (`lfpw/testset`).

        Raises ProtofaceError if there is none of that name, or if it is empty.
        """
        inside = self._in_part(PARTS.index(name)) if name in PARTS else self._in_folder(name)
        if not inside.any():
            raise ProtofaceError(f"{self.root}: the partition '{name}' is empty")
        absent = [
            f"{entry}: in the partition, but it has no points"
            for entry, part in self.unlabelled.items()
            if name in PARTS and part == PARTS.index(name)
        ]
        return replace(
            self.subset(np.flatnonzero(inside)),
            name=f"{self.root.name} {name}",
            unlabelled={},
            skipped=(*self.skipped, *absent),
        )

    def _in_part(self, number: int) -> NDArray[np.bool_]:
        """Which entries (n) are in the partition of that number."""
        if (self.parts == NO_PART).all():
            raise ProtofaceError(
                f"{self.root}: does not say which pictures are for train, val or test; leave out "
                "--partition to measure all"
            )
        return np.asarray(self.parts == number)

    def _in_folder(self, name: str) -> NDArray[np.bool_]:
        """Which entries (n) are in a folder of the pictures."""
        inside = np.array([entry.startswith(f"{name.rstrip('/')}/") for entry in self.names], bool)
        if not inside.any():
            known = (*PARTS, *_folders(self.names))
            raise ProtofaceError(
                f"{self.root}: partition '{name}' is unknown; there are {', '.join(known)}"
            )
        return inside

    def existing(self: Set) -> Set:
        """The entries whose pictures are there; those of the others are named in `skipped`.

        Raises ProtofaceError if nothing is left.
        """
        there = np.array([os.path.isfile(path) for path in self.paths], bool)
        missing = (self.paths[index] for index in np.flatnonzero(~there).tolist())
        skipped = *self.skipped, *(f"{path}: listed, but there is no such picture" for path in missing)
        if not there.any():
            raise ProtofaceError(
                f"{self.root}: no picture to measure in {self.name}; {len(skipped)} were skipped"
            )
        return replace(self.subset(np.flatnonzero(there)), skipped=skipped)


def _folders(names: Sequence[str], at_most: int = 8) -> list[str]:
    """The folders of pictures, to be listed in an error; with `...` where there are more."""
    folders = sorted({name.rpartition("/")[0] for name in names} - {""})
    return folders if len(folders) <= at_most else [*folders[:at_most], "..."]
