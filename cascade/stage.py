"""A stage: a net, the views that it looks through, and what its answers mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from time import perf_counter
from typing import NamedTuple

from protoface.converters.runtimes import Blobs, Run

from .answers.answer_kind import AnswerKind
from .face import NO_POINTS, Candidate, Face
from .views.view_kind import ViewKind
from .windows.window import Image, Window


class Seconds(NamedTuple):
    """How long the parts of a stage took: making the net's inputs, the net, reading its answers."""

    look: float
    forward: float
    read: float


@dataclass(frozen=True, eq=False)
class Step:
    """What a stage did: see `Cascade.steps`.

    `windows` (n) are those of its first view, `inputs` and `outputs` the net's blobs by name,
    `candidates` what is known of the faces now.
    """

    stage: Stage
    windows: Sequence[Window]
    inputs: Blobs
    outputs: Blobs
    candidates: Sequence[Candidate]
    seconds: Seconds

    def faces(self, pictures: int) -> list[list[Face]]:
        """The faces of each of so many pictures, as they are after this stage."""
        faces: list[list[Face]] = [[] for _ in range(pictures)]
        for candidate in self.candidates:
            faces[candidate.picture].append(candidate.face())
        return faces


@dataclass(frozen=True, eq=False)
class Stage:
    """A net at work: `views` by the name of the input that each makes, `answers` by that of the output.

    `forward` takes all inputs and gives all outputs. The first view's windows are what answers are
    relative to.
    """

    name: str
    views: Mapping[str, ViewKind]
    answers: Mapping[str, AnswerKind]
    forward: Run

    @property
    def view(self) -> ViewKind:
        """The first view."""
        return next(iter(self.views.values()))

    @property
    def needs_box(self) -> bool:
        """Whether candidates must have boxes."""
        return any(view.needs_box for view in self.views.values())

    def step(self, images: Sequence[Image], candidates: Sequence[Candidate]) -> Step:
        """Look at candidates in their pictures, and read what the net answers."""
        start = perf_counter()
        windows, inputs = look(self.views, images, candidates)
        looked = perf_counter()
        outputs = self.forward(inputs)
        answered = perf_counter()
        for blob, answer in self.answers.items():
            candidates = answer.read(outputs[blob], windows, candidates)
        seen = [
            _noted(candidate, window) for candidate, window in zip(candidates, windows, strict=True)
        ]
        seconds = Seconds(looked - start, answered - looked, perf_counter() - answered)
        return Step(self, windows, inputs, outputs, seen, seconds)


def look(
    views: Mapping[str, ViewKind], images: Sequence[Image], candidates: Sequence[Candidate]
) -> tuple[list[Window], Blobs]:
    """The windows of the first view, and what all views show of the candidates, by input."""
    pictures = [images[candidate.picture] for candidate in candidates]
    windows = [view.windows(candidates) for view in views.values()]
    shown = {
        blob: view.look(pictures, seen)
        for (blob, view), seen in zip(views.items(), windows, strict=True)
    }
    return windows[0], shown


def _noted(candidate: Candidate, window: Window) -> Candidate:
    """A candidate with this stage's points and window added to those of the stages before."""
    points = NO_POINTS if candidate.points is None else candidate.points
    return replace(candidate, stages=(*candidate.stages, points), windows=(*candidate.windows, window))
