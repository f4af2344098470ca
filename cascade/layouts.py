"""Layouts of points: which points a face has, their partners in a mirror, groups and distances.

A layout is protobuf text (`LayoutParameter`); those that come with the package are in
`prototxt/points/`.
Every place that asks how many points there are, or where the eyes lie, asks the layout.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from protoface.converters.errors import ProtofaceError
from protoface.converters.prototxt import read_message

from . import cascade_pb2

Floats = NDArray[Any]
#: Layouts that come with the package: name -> file.
LAYOUTS = {
    path.stem: path for path in sorted(Path(str(files("protoface.prototxt"))).glob("points/*.prototxt"))
}
#: That of CelebA, and of cascades that name no other one.
DEFAULT = "celeba5"


@dataclass(frozen=True, eq=False)
class Layout:
    """A markup of faces with `points` by name, in order.

    `flip[i]` is the index of the point that takes the place of point i in a mirrored picture. `groups`
    and `distances` hold indices: group -> its points, distance -> the points at its two ends.
    `conversions` holds for each other layout a matrix (its points, these points).
    """

    name: str
    points: tuple[str, ...]
    flip: tuple[int, ...]
    groups: Mapping[str, tuple[int, ...]]
    distances: Mapping[str, tuple[tuple[int, ...], tuple[int, ...]]]
    conversions: Mapping[str, Floats]

    def __len__(self) -> int:
        return len(self.points)

    def distance(self, name: str, points: Floats) -> Floats:
        """Pixels (...) between the two ends of a distance, for faces (..., points, 2).

        Raises ProtofaceError for a distance that the layout does not have.
        """
        if name not in self.distances:
            raise ProtofaceError(f"layout '{self.name}' has no distance '{name}'")
        a, b = (points[..., list(end), :].mean(axis=-2) for end in self.distances[name])
        return np.asarray(np.linalg.norm(b - a, axis=-1))

    def convert(self, points: Floats, to: str) -> Floats:
        """Faces (..., points, 2) as those of another layout; as they are if it is this one.

        Raises ProtofaceError if this layout does not say how.
        """
        if to == self.name:
            return points
        if to not in self.conversions:
            raise ProtofaceError(
                f"points of layout '{self.name}' cannot be carried over to '{to}', only to "
                f"{', '.join(self.conversions) or 'none'}"
            )
        return np.asarray(self.conversions[to] @ points)


def find_layout(name: str | os.PathLike[str]) -> Layout:
    """A layout that comes with the package, or the one in a file. Raises ProtofaceError."""
    if name in LAYOUTS:
        return _packaged(str(name))
    if not Path(name).is_file():
        raise ProtofaceError(f"layout '{name}' is unknown; there are {', '.join(LAYOUTS)}")
    return read_layout(name)


@cache
def _packaged(name: str) -> Layout:
    return read_layout(LAYOUTS[name])


def read_layout(path: str | os.PathLike[str]) -> Layout:
    """The layout in a file, checked. Raises ProtofaceError naming file and line, or file and point."""
    return make_layout(read_message(path, cascade_pb2.LayoutParameter()), os.fspath(path))


def make_layout(parameter: cascade_pb2.LayoutParameter, source: str) -> Layout:
    """The layout that a message describes. Raises ProtofaceError naming `source` and the point."""
    names = tuple(point.name for point in parameter.point)
    if not names or len(set(names)) != len(names) or "" in names:
        raise ProtofaceError(f"{source}: needs points with names that differ, has {list(names)}")
    groups: dict[str, list[int]] = {}
    for index, point in enumerate(parameter.point):
        for group in point.group:
            groups.setdefault(group, []).append(index)
    places = {name: (index,) for index, name in enumerate(names)}
    places.update({group: tuple(indices) for group, indices in groups.items()})
    return Layout(
        parameter.name,
        names,
        _flip(parameter, names, source),
        {group: places[group] for group in groups},
        {
            d.name: (_place(places, d.a, source), _place(places, d.b, source))
            for d in parameter.distance
        },
        {c.to: _matrix(c, places, len(names), source) for c in parameter.conversion},
    )


def _flip(parameter: cascade_pb2.LayoutParameter, names: Sequence[str], source: str) -> tuple[int, ...]:
    for point in parameter.point:
        if point.flip and point.flip not in names:
            raise ProtofaceError(f"{source}: point '{point.name}': no point is named '{point.flip}'")
    order = [names.index(point.flip or point.name) for point in parameter.point]
    if [order[index] for index in order] != list(range(len(order))):
        raise ProtofaceError(f"{source}: a point's flip must have that point as its own flip")
    return tuple(order)


def _place(places: Mapping[str, tuple[int, ...]], name: str, source: str) -> tuple[int, ...]:
    if name not in places:
        raise ProtofaceError(f"{source}: no point and no group is named '{name}'")
    return places[name]


def _matrix(
    conversion: cascade_pb2.ConversionParameter,
    places: Mapping[str, tuple[int, ...]],
    count: int,
    source: str,
) -> Floats:
    """A row for each point of the other layout: how much of each of these points it is."""
    matrix = np.zeros((len(conversion.point), count))
    for row, mean in zip(matrix, conversion.point, strict=True):
        weights = list(mean.weight) or [1 / max(len(mean.of), 1)] * len(mean.of)
        if len(weights) != len(mean.of) or not np.isclose(sum(weights), 1):
            raise ProtofaceError(
                f"{source}: conversion to '{conversion.to}': {list(mean.of)} needs a weight for each, "
                f"adding up to 1, not {weights}"
            )
        for name, weight in zip(mean.of, weights, strict=True):
            place = _place(places, name, source)
            row[list(place)] += weight / len(place)
    return matrix


def layout_of(definition: cascade_pb2.CascadeParameter, source: str) -> Layout:
    """The layout of a cascade: by its name, or by the points that it lists.

    Points that are those of a layout of the package are that layout. Raises ProtofaceError.
    """
    if definition.layout:
        if definition.point:
            raise ProtofaceError(f"{source}: has a layout and points of its own; leave one of them out")
        known = definition.layout in LAYOUTS
        beside = Path(source).parent / definition.layout
        return find_layout(definition.layout if known or not beside.is_file() else beside)
    listed = make_layout(cascade_pb2.LayoutParameter(point=definition.point), source)
    for name in LAYOUTS:
        known_layout = find_layout(name)
        if (listed.points, listed.flip) == (known_layout.points, known_layout.flip):
            return known_layout
    return listed
