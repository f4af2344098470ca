"""Which faces a stage keeps: those of a high enough score, and of those that overlap the best one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from protoface.converters.errors import ProtofaceError

from . import cascade_pb2
from .answers.answer_kind import AnswerKind
from .face import Candidate
from .overlap import Indices, suppress
from .windows.mode import Mode
from .windows.window import Floats, Window

_Keep = cascade_pb2.KeepParameter


@dataclass(frozen=True)
class Keep:
    """See KeepParameter in cascade.proto; what is None there is not asked for."""

    mode: Mode
    score: float | None
    overlap: float | None
    overlap_all: float | None
    minimum: bool
    windows: bool
    most: int | None

    def enough(self, scores: Floats, mapped: bool) -> Floats:
        """Whether scores, of a map's places or of crops, are high enough; what is NaN is not."""
        if self.score is None:
            return ~np.isnan(scores)
        return self.mode.enough(scores, self.score, mapped)

    def in_level(self, boxes: Floats, scores: Floats, picture: Floats) -> Indices:
        """Indices of what is kept of one level of several pictures."""
        return self._suppressed(boxes, scores, picture, self.overlap)

    def of_all(self, boxes: Floats, scores: Floats, picture: Floats) -> Indices:
        """Indices of what is kept of whole pictures: one picture after the other, the best first."""
        return self._suppressed(boxes, scores, picture, self.overlap_all, self.most)

    def _suppressed(
        self,
        boxes: Floats,
        scores: Floats,
        picture: Floats,
        overlap: float | None,
        most: int | None = None,
    ) -> Indices:
        extra = self.mode.EXTRA[self.minimum]

        def best(members: Indices) -> Indices:
            if overlap is None:
                kept = np.argsort(-scores[members], kind="stable")
            else:
                kept = suppress(boxes[members], scores[members], overlap, self.minimum, extra)
            return members[kept[:most]]

        return each_picture(picture, best)

    def chosen(self, windows: Sequence[Window], candidates: Sequence[Candidate]) -> list[int]:
        """Which of the candidates (n) of crops are kept, in the order of `of_all`.

        Besides those of a low score, those whose window was empty or whose box is none any more go.
        """
        scores = np.array([candidate.score for candidate in candidates], np.float32)
        boxes = self._boxes(windows, candidates)
        seen = np.array([not window.empty for window in windows], bool)
        (left,) = np.nonzero(self.enough(scores, False) & seen & sound(boxes))
        pictures = np.array([candidate.picture for candidate in candidates], np.intp)
        for rule in (self.in_level, self.of_all):
            left = left[rule(boxes[left], scores[left], pictures[left])]
        return left.tolist()

    def _boxes(self, windows: Sequence[Window], candidates: Sequence[Candidate]) -> Floats:
        """What is compared, (n, 4): the windows, or the boxes of those that have one."""
        boxes = self.mode.window_boxes(windows)
        if not self.windows:
            for index, candidate in enumerate(candidates):
                if candidate.box is not None:
                    boxes[index] = candidate.box
        return boxes


def sound(boxes: Floats) -> Floats:
    """Whether boxes (n, 4) are finite and have an area."""
    areas = boxes[:, 2:].min(axis=1, initial=np.inf) > 0
    found: Floats = np.logical_and(np.isfinite(boxes).all(1), areas)
    return found


def each_picture(picture: Floats, best: Callable[[Indices], Indices]) -> Indices:
    """What `best` makes of the indices of each picture's members, one picture after the other."""
    if not len(picture) or (picture == picture[0]).all():
        return best(np.arange(len(picture)))
    return np.concatenate([best(np.flatnonzero(picture == number)) for number in np.unique(picture)])


def make_keep(
    stage: cascade_pb2.StageParameter, answers: Sequence[AnswerKind], mode: Mode, where: str
) -> Keep | None:
    """What a stage keeps; None if that is all. Raises ProtofaceError beginning with `where`."""
    if not stage.HasField("keep"):
        return None
    keep = stage.keep
    if not any(answer.gives_score for answer in answers):
        raise ProtofaceError(f"{where}: keep goes by scores; add an answer of a score")
    for name in ("score", "overlap", "overlap_all"):
        if not 0 <= getattr(keep, name) <= 1:
            raise ProtofaceError(f"{where}: {name} is {getattr(keep, name):g}, it must be 0 to 1")
    if keep.HasField("most") and not keep.most:
        raise ProtofaceError(f"{where}: most is 0; leave it out to keep all")
    score, overlap, overlap_all, most = (
        getattr(keep, name) if keep.HasField(name) else None
        for name in ("score", "overlap", "overlap_all", "most")
    )
    minimum, windows = keep.by == _Keep.MINIMUM, keep.of == _Keep.WINDOWS
    return Keep(mode, score, overlap, overlap_all, minimum, windows, most)
