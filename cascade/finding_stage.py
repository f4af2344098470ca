"""A stage that finds faces: its net is run on all of a picture, and answers maps."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from protoface.converters.ends import Blobs
from protoface.converters.errors import ProtofaceError

from .answers.answer_kind import AnswerKind
from .answers.map_places import Found, Map, Places, join
from .face import Candidate
from .keep import Keep, sound
from .overlap import overlaps
from .stage import Clock, NetRun, Stage, Step, no_clock
from .windows.halves import Picture
from .windows.levels import Level, Levels
from .windows.mode import Mode
from .windows.window import Floats, Points, Size, Window

#: Pixels of inputs that a net is run on at once: P-Net takes 150 MB for them.
AT_ONCE = 1 << 20
#: Pixels for which all that a small net makes of them stays in the cache of a processor's core.
CACHED = 1 << 14
#: The least part of a box that is given, or of what is found for it, that lies in the other one.
FITTING = 0.3
#: Places along one axis by which it is told whether a net looks at nothing but its cells.
TRIED = 4


class Maps(NamedTuple):
    """The answers of equal `map`: the blob of the scores, and all of them by their blobs."""

    map: Map
    score: str
    answers: Mapping[str, AnswerKind]


class _Watch:
    """Adds up how long the parts of a stage take, in turn."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._start = self._last = clock()
        self._spent = [0.0, 0.0, 0.0]

    def lap(self, part: int) -> None:
        """What was since the last lap belongs to a part: 0 the inputs, 1 the net, 2 the answers."""
        now = self._clock()
        self._spent[part] += now - self._last
        self._last = now

    def times(self) -> tuple[float, float, float, float]:
        """As if the parts had come one after the other: see Step."""
        looked = self._start + self._spent[0]
        answered = looked + self._spent[1]
        return self._start, looked, answered, answered + self._spent[2]


@dataclass(frozen=True, eq=False, kw_only=True)
class Finder(Stage):
    """A stage whose view has levels, and whose answers are maps; pictures of equal size share runs.

    The faces that it keeps are the candidates. Of boxes that are given, each keeps its box and gets
    score and points of the face that fits it best. The net is run on `at_once` pixels of the input at a
    time, or some more, if it looks at cells alone.
    """

    mode: Mode
    at_once: int = AT_ONCE

    @cached_property
    def levels(self) -> Levels:
        """The sizes in which it looks at a picture."""
        assert self.view.levels is not None
        return self.view.levels

    @cached_property
    def maps(self) -> tuple[Maps, ...]:
        """The answers, those of equal maps together."""
        found = []
        for one in dict.fromkeys(answer.map for answer in self.answers.values()):
            assert one is not None
            members = {blob: answer for blob, answer in self.answers.items() if answer.map == one}
            score = next(blob for blob, answer in members.items() if answer.gives_score)
            found.append(Maps(one, score, members))
        return tuple(found)

    @cached_property
    def _unknown(self) -> Points | None:
        """The points of a face that it has not found; None if it finds no points."""
        spots = [len(answer.layout) for answer in self.answers.values() if answer.gives_points]
        return np.full((spots[0], 2), np.nan, np.float32) if spots else None

    @cached_property
    def looks_at_cells(self) -> bool:
        """Whether each place depends on its cell alone, so that a picture may be looked at in strips.

        A net with padding, or that sees more than a cell, gives another number of places.
        """
        (cell, stride), *others = (one.map for one in self.maps)
        if others or cell <= stride or self.levels.multiple > 1:
            return False
        side = cell + (TRIED - 1) * stride
        (blob,) = self.views
        outputs = self.forward({blob: np.zeros((1, *self.view.shape[:-2], side, side), np.float32)})
        return all(outputs[name].shape[2:] == (TRIED, TRIED) for name in self.answers)

    def step(
        self,
        images: Sequence[Picture],
        candidates: Sequence[Candidate],
        clock: Clock = no_clock,
        given: bool = False,
        record: bool = True,
    ) -> Step:
        """See Stage; candidates are pictures, or boxes given for them."""
        watch, runs = _Watch(clock), _Runs(record)
        sizes = {candidate.picture: candidate.size for candidate in candidates}
        keep = None if given else self.keep
        parts = list(self._places(images, sizes, keep, watch, runs))
        found = join([places for places, _ in parts], [level for _, level in parts])
        if given:
            faces, cells = _fitting(found, candidates, self._unknown)
        else:
            chosen = found if keep is None else found[keep.of_all(*_compared(found, keep))]
            faces, cells = _faces(chosen, sizes), chosen.cells
        windows = [Window(*cell) for cell in cells.tolist()]
        seen = [one.seen(window) for one, window in zip(faces, windows, strict=True)]
        watch.lap(2)
        first = runs.kept[0] if runs.kept else NetRun({}, {})
        return Step(self, windows, *first, seen, watch.times(), levels=tuple(runs.kept))

    def _places(
        self,
        images: Sequence[Picture],
        sizes: Mapping[int, Size],
        keep: Keep | None,
        watch: _Watch,
        runs: _Runs,
    ) -> Iterator[tuple[Places, int]]:
        """What may be faces, in pieces, each with the number of its level and map."""
        for size in dict.fromkeys(sizes.values()):
            members = np.array([number for number, other in sizes.items() if other == size])
            for number, level in enumerate(self.levels.of(size)):
                at_once = max(1, self.at_once // (level.height * level.width))
                for start in range(0, len(members), at_once):
                    part = members[start : start + at_once]
                    outputs = self._run([images[one] for one in part], level, watch, runs)
                    for index, maps in enumerate(self.maps):
                        for places in self._read(maps, outputs, level, part, keep):
                            yield places, number * len(self.maps) + index
                    watch.lap(2)

    def _run(self, images: Sequence[Picture], level: Level, watch: _Watch, runs: _Runs) -> Blobs:
        """The outputs for pictures in a level; of a large one tile by tile."""
        (blob,) = self.views
        seen = [self.view.show_level(image, level) for image in images]
        outputs = []
        bands = self._tiles(level)
        for tile in itertools.chain(*bands):
            inputs: Blobs = {blob: self.view.fill([one[tile] for one in seen])}
            watch.lap(0)
            outputs.append(self.forward(inputs))
            watch.lap(1)
            runs.add(inputs, outputs[-1])
        if len(outputs) == 1:
            return outputs[0]
        tiles = iter(outputs)
        across = [_beside([next(tiles) for _ in band], self.answers, 3) for band in bands]
        return _beside(across, self.answers, 2)

    def _tiles(self, level: Level) -> list[list[tuple[slice, slice]]]:
        """Rows and columns of a level for one run each, one band of rows after the other.

        The last places of one end where the next one's begin.
        """
        if level.height * level.width <= 2 * self.at_once or not self.looks_at_cells:
            return [[(slice(0, level.height), slice(0, level.width))]]
        rows, columns = (
            _spans(size, self.maps[0].map, math.isqrt(self.at_once))
            for size in (level.height, level.width)
        )
        return [[(band, part) for part in columns] for band in rows]

    def _read(
        self, maps: Maps, outputs: Blobs, level: Level, members: Floats, keep: Keep | None
    ) -> Iterator[Places]:
        """The places of one map that may be faces, if any; `members` are the pictures' numbers."""
        scores = self._scores(maps, outputs)
        high = ~np.isnan(scores) if keep is None else keep.enough(scores, True)
        if not high.any():  # of most maps
            return
        picture, row, column = np.nonzero(high)
        corners = np.stack((column, row), 1) * maps.map.stride
        cells = self.mode.cells(level, corners, maps.map.cell)
        places = Places(maps.map, level, members[picture], corners, cells, cells, scores[high])
        for blob, answer in maps.answers.items():
            places = answer.read_places(outputs[blob][picture, :, row, column], places)
        places = places[sound(places.boxes)]
        yield places if keep is None else places[keep.in_level(*_compared(places, keep))]

    def _scores(self, maps: Maps, outputs: Blobs) -> Floats:
        """Scores (n, rows, columns). Raises ProtofaceError for maps of unequal size, or no scores."""
        sizes = {blob: outputs[blob].shape[2:] for blob in maps.answers}
        if len(set(sizes.values())) > 1:
            shown = ", ".join(f"'{blob}' {rows} x {columns}" for blob, (rows, columns) in sizes.items())
            raise ProtofaceError(
                f"stage '{self.name}': maps of the same cells have unequal sizes: {shown}"
            )
        try:
            return maps.answers[maps.score].scores(outputs[maps.score])
        except ProtofaceError as error:
            raise ProtofaceError(f"stage '{self.name}': {error}") from error


class _Runs:
    """The net's runs, if they are to be recorded: of large pictures they take much memory."""

    def __init__(self, record: bool) -> None:
        self._record = record
        self.kept: list[NetRun] = []

    def add(self, inputs: Blobs, outputs: Blobs) -> None:
        if self._record:
            self.kept.append(NetRun(inputs, outputs))


def _spans(size: int, places: Map, side: int) -> list[slice]:
    """Parts of an axis of so many pixels, of equal length but the last one, at most a `side` long."""
    cell, stride = places
    count = max(0, size - cell) // stride + 1
    most = max(1, (side - cell) // stride + 1)
    each = math.ceil(count / math.ceil(count / most))
    starts = range(0, count * stride, each * stride)
    stops = [start + (each - 1) * stride + cell for start in starts[:-1]]
    return [slice(*ends) for ends in zip(starts, [*stops, size], strict=True)]


def _beside(parts: Sequence[Blobs], names: Iterable[str], axis: int) -> Blobs:
    """Blobs of parts as one, along an axis."""
    return {name: np.concatenate([one[name] for one in parts], axis) for name in names}


def _compared(found: Places | Found, keep: Keep) -> tuple[Floats, Floats, Floats]:
    """Boxes, scores and pictures by which it is decided what is kept."""
    return found.cells if keep.windows else found.boxes, found.scores, found.picture


def _faces(found: Found, sizes: Mapping[int, Size]) -> list[Candidate]:
    """A candidate for each face; where no answer gives points they have none."""
    points: Sequence[Floats | None] = list(found.points)
    if not found.points.shape[1]:
        points = [None] * len(found)
    rows = zip(found.picture.tolist(), found.boxes, found.scores.tolist(), points, strict=True)
    return [
        Candidate(picture, sizes[picture], box, score, spots) for picture, box, score, spots in rows
    ]


def _fitting(
    found: Found, candidates: Sequence[Candidate], unknown: Points | None
) -> tuple[list[Candidate], Floats]:
    """Candidates with score and points of what fits their boxes best, and its cells.

    That is the largest product of its score and how well it fits: the mean (geometric) of the overlap
    over the union and over the smaller box, as a box may be wider than its face. Where nothing fits
    the score is 0, the points are `unknown`, and the cell is empty.
    """
    faces, cells = [], np.zeros((len(candidates), 4))
    for index, candidate in enumerate(candidates):
        assert candidate.box is not None
        (members,) = np.nonzero(found.picture == candidate.picture)
        inside, union = (
            overlaps(candidate.box[None], found.boxes[members], minimum)[0] for minimum in (True, False)
        )
        fits = np.where(inside >= FITTING, np.sqrt(inside * union), 0)
        best = int(np.argmax(fits * found.scores[members])) if len(members) else -1
        score, points = 0.0, unknown
        if best >= 0 and fits[best]:
            score = float(found.scores[members[best]])
            points = None if unknown is None else found.points[members[best]]
            cells[index] = found.cells[members[best]]
        faces.append(candidate._replace(score=score, points=points))
    return faces, cells
