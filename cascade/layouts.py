"""Layouts of points: which points a face has, their partners in a mirror, groups and distances.

A layout is protobuf text (`LayoutParameter`); those that come with the package are in
`prototxt/points/`.
Every place that asks how many points there are, or where the eyes lie, asks the layout.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from protoface import prototxt
from protoface.converters.errors import ProtofaceError
from protoface.converters.prototxt import read_message

from . import cascade_pb2

Floats = NDArray[Any]
#: Layouts that come with the package: name -> file.
LAYOUTS = {path.stem: path for path in sorted(Path(prototxt.__path__[0]).glob("points/*.prototxt"))}
#: That of CelebA, and of cascades that name no other one.
DEFAULT = "celeba5"
#: The distance by which training measures a face: between the centres of its eyes.
EYES = "inter_pupil"


@dataclass(frozen=True, eq=False)
class Layout:
    """The points of a face by name, in order.

    `flip[i]` is the index of the point that takes the place of point i in a mirrored picture. `groups`
    and `distances` hold indices: group -> its points, distance -> the points at its two ends.
    `conversions` holds for each other layout a matrix (its points, these points).
    Points that a cascade lists, and no layout of the package has, are a layout without a name.
    """

    name: str
    points: tuple[str, ...]
    flip: tuple[int, ...]
    groups: Mapping[str, tuple[int, ...]]
    distances: Mapping[str, tuple[tuple[int, ...], tuple[int, ...]]]
    conversions: Mapping[str, Floats]

    def __len__(self) -> int:
        return len(self.points)

    @cached_property
    def parts(self) -> Mapping[str, tuple[int, ...]]:
        """Each point once, under the smallest group that it is in; under its own name if in none."""
        parts: dict[str, list[int]] = {}
        for index, name in enumerate(self.points):
            inside = [group for group, points in self.groups.items() if index in points]
            smallest = min(inside, key=lambda group: len(self.groups[group]), default=name)
            parts.setdefault(smallest, []).append(index)
        return {part: tuple(points) for part, points in parts.items()}

    def same_points(self, other: Layout) -> bool:
        """Whether both have the same points in the same order, by their names."""
        return self.points == other.points

    def reaches(self, to: Layout) -> bool:
        """Whether `convert` can make points of the layout `to`."""
        return self.same_points(to) or to.name in self.conversions

    def ends(self, distance: str) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Indices of the points at the two ends of a distance.

        Raises ProtofaceError for a distance that the layout does not have.
        """
        if distance not in self.distances:
            raise ProtofaceError(
                f"layout {self} has no distance '{distance}', by which faces are measured; there are "
                f"{', '.join(self.distances) or 'none'}"
            )
        return self.distances[distance]

    def distance(self, name: str, points: Floats) -> Floats:
        """Pixels (...) between the two ends of a distance, for faces (..., points, 2).

        Raises ProtofaceError for a distance that the layout does not have.
        """
        a, b = (points[..., list(end), :].mean(axis=-2) for end in self.ends(name))
        return np.asarray(np.linalg.norm(b - a, axis=-1))

    def convert(self, points: Floats, to: Layout) -> Floats:
        """Faces (..., points, 2) as those of another layout; as they are if it is this one.

        Raises ProtofaceError if this layout does not say how.
        """
        if not self.reaches(to):
            raise ProtofaceError(
                f"points of layout {self} cannot be converted to {to}, only to "
                f"{', '.join(self.conversions) or 'none'}"
            )
        return points if self.same_points(to) else np.asarray(self.conversions[to.name] @ points)

    def with_conversion(self, parameter: cascade_pb2.ConversionParameter, source: str) -> Layout:
        """This layout with another conversion to one of the package.

        Raises ProtofaceError naming `source` and what is wrong.
        """
        if parameter.to not in LAYOUTS:
            raise ProtofaceError(
                f"{source}: conversion to '{parameter.to}', which is no layout; there are "
                f"{', '.join(LAYOUTS)}"
            )
        places = {name: (index,) for index, name in enumerate(self.points)} | dict(self.groups)
        matrix = _matrix(parameter, places, len(self), source)
        return replace(self, conversions={**self.conversions, parameter.to: matrix})

    def __str__(self) -> str:
        """Its name in quotes; without one, its number of points."""
        return f"'{self.name}'" if self.name else f"({len(self)} points without a name)"


def common_layout(first: Layout, second: Layout) -> Layout:
    """The layout in which faces of both can be compared: that with the most points.

    It has no more points than either of them: a point that a rule made up is not compared. Raises
    ProtofaceError if there is none.
    """
    known = [first, second, *(find_layout(name) for name in LAYOUTS)]
    both = [
        layout
        for layout in known
        if first.reaches(layout)
        and second.reaches(layout)
        and len(layout) <= min(len(first), len(second))
    ]
    if not both:
        raise ProtofaceError(
            f"points of the layouts {first} and {second} cannot be compared: neither can be converted "
            "to the other, nor both to a third one"
        )
    return max(both, key=len)  # the first of the largest


@cache
def find_layout(name: str) -> Layout:
    """A layout that comes with the package. Raises ProtofaceError for an unknown name."""
    if name not in LAYOUTS:
        raise ProtofaceError(f"layout '{name}' is unknown; there are {', '.join(LAYOUTS)}")
    return read_layout(LAYOUTS[name])


def read_layout(path: str | os.PathLike[str]) -> Layout:
    """The layout in a file, checked. Raises ProtofaceError naming file and line, or file and point."""
    return make_layout(read_message(path, cascade_pb2.LayoutParameter()), os.fspath(path))


def make_layout(parameter: cascade_pb2.LayoutParameter, source: str) -> Layout:
    """The layout that a message describes. Raises ProtofaceError naming `source` and the point."""
    names = tuple(point.name for point in parameter.point)
    if not names or len(set(names)) != len(names) or "" in names:
        raise ProtofaceError(f"{source}: needs points with different names, has {list(names)}")
    groups: dict[str, list[int]] = {}
    for index, point in enumerate(parameter.point):
        for group in point.group:
            groups.setdefault(group, []).append(index)
    places: dict[str, tuple[int, ...]] = {name: (index,) for index, name in enumerate(names)}
    for group, indices in groups.items():
        if places.get(group, tuple(indices)) != tuple(indices):
            raise ProtofaceError(f"{source}: '{group}' is a point and a group of other points")
        places[group] = tuple(indices)
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
        raise ProtofaceError(
            f"{source}: if a point's flip is another point, that one's flip must be the first"
        )
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
    expected = _count(conversion.to)
    if expected not in (None, len(conversion.point)):
        raise ProtofaceError(
            f"{source}: conversion to '{conversion.to}': has {len(conversion.point)} points, "
            f"needs {expected}"
        )
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
            # over their sum: single-precision weights add up to 1 only nearly, which would shift points
            row[list(place)] += weight / sum(weights) / len(place)
    return matrix


@cache
def _count(name: str) -> int | None:
    """How many points a layout of the package has; None for another one."""
    # not of find_layout: conversions name each other
    if name not in LAYOUTS:
        return None
    return len(read_message(LAYOUTS[name], cascade_pb2.LayoutParameter()).point)


def layout_of(definition: cascade_pb2.CascadeParameter, source: str) -> Layout:
    """The layout of a cascade: by its name, or by the points that it lists.

    Points that are those of a layout of the package are that layout. Raises ProtofaceError.
    """
    if definition.layout:
        if definition.point:
            raise ProtofaceError(f"{source}: has a layout and points of its own; leave one of them out")
        return find_layout(definition.layout)
    listed = make_layout(cascade_pb2.LayoutParameter(point=definition.point), source)
    for name in LAYOUTS:
        known_layout = find_layout(name)
        if (listed.points, listed.flip) == (known_layout.points, known_layout.flip):
            return known_layout
    return listed
