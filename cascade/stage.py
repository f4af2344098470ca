"""A stage: a net, the views that it looks through, what its answers mean, and which faces it keeps."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from protoface.converters.ends import Blobs, Run
from protoface.converters.errors import ProtofaceError

from .answers.answer_kind import AnswerKind
from .face import Candidate, Face
from .keep import Keep
from .views.view_kind import ViewKind
from .windows.halves import Picture
from .windows.window import Window

#: Gives seconds, as `time.perf_counter`.
Clock = Callable[[], float]


#: Candidates whose pixels a net is given at once: what a small net makes of them stays in the cache.
AT_ONCE = 64


def no_clock() -> float:
    """For who does not ask for times: some machines take microseconds to tell the time."""
    return 0.0


class Seconds(NamedTuple):
    """How long the parts of a stage took: making the net's inputs, the net, reading its answers."""

    inputs: float
    forward: float
    read: float


class NetRun(NamedTuple):
    """One run of a net: its blobs by name."""

    inputs: Blobs
    outputs: Blobs


class Step(NamedTuple):
    """What a stage did: see `Cascade.steps`.

    `windows` (n) are those of its first view, `inputs` and `outputs` the net's blobs by name,
    `candidates` what is known of the faces now: of all windows, or of those whose numbers are `kept`;
    `looked` (n) are those that it looked at, as they were before.
    `times` are the clock's readings before it, with the inputs made, after the net, and after its
    answers were read. A stage that finds faces has run its net several times: `levels`, of which
    inputs and outputs are the first; its windows are the cells where the candidates are.
    """

    stage: Stage
    windows: Sequence[Window]
    inputs: Blobs
    outputs: Blobs
    candidates: Sequence[Candidate]
    times: tuple[float, float, float, float]
    looked: Sequence[Candidate] = ()
    kept: Sequence[int] | None = None
    levels: tuple[NetRun, ...] = ()

    @property
    def runs(self) -> tuple[NetRun, ...]:
        """All runs of the net."""
        return self.levels or (NetRun(self.inputs, self.outputs),)

    @property
    def seconds(self) -> Seconds:
        """How long its parts took."""
        start, looked, answered, end = self.times
        return Seconds(looked - start, answered - looked, end - answered)

    def faces(self, pictures: int) -> list[list[Face]]:
        """The faces of each of so many pictures, as they are after this stage."""
        faces: list[list[Face]] = [[] for _ in range(pictures)]
        for candidate in self.candidates:
            faces[candidate.picture].append(candidate.face())
        return faces


@dataclass(frozen=True, eq=False)
class Stage:
    """A net with its `views` by the name of the input that each makes, `answers` by that of the output.

    `forward` takes all inputs and gives all outputs. The first view's windows are what answers are
    relative to. `keep` says which candidates stay, all of them if it is None.
    """

    name: str
    views: Mapping[str, ViewKind]
    answers: Mapping[str, AnswerKind]
    forward: Run
    keep: Keep | None = None

    @cached_property
    def view(self) -> ViewKind:
        """The first view."""
        return next(iter(self.views.values()))

    @cached_property
    def needs_box(self) -> bool:
        """Whether candidates must have boxes."""
        return any(view.needs_box for view in self.views.values())

    @cached_property
    def _moves_boxes(self) -> bool:
        return any(answer.gives_box for answer in self.answers.values())

    def step(
        self,
        images: Sequence[Picture],
        candidates: Sequence[Candidate],
        clock: Clock = no_clock,
        given: bool = False,
        record: bool = True,
    ) -> Step:
        """Look at candidates in their pictures, and read what the net answers; see `ViewKind.show`.

        With boxes that are `given` all candidates stay, and their boxes. Without `record` the step may
        lack the net's blobs.
        """
        if len(candidates) > AT_ONCE:
            step = self._in_parts(images, candidates, clock, record)
        else:
            step = self._look(images, candidates, clock)
        if given and self._moves_boxes:
            return step._replace(candidates=_with_boxes(step.candidates, candidates))
        return step if given or self.keep is None else _kept(step, self.keep)

    def _in_parts(
        self, images: Sequence[Picture], candidates: Sequence[Candidate], clock: Clock, record: bool
    ) -> Step:
        """The same for many candidates, some at a time, so that memory is bounded."""
        steps = []
        for start in range(0, len(candidates), AT_ONCE):
            step = self._look(images, candidates[start : start + AT_ONCE], clock)
            steps.append(step if record else step._replace(inputs={}, outputs={}))
        return _joined(steps)

    def _look(self, images: Sequence[Picture], candidates: Sequence[Candidate], clock: Clock) -> Step:
        start = clock()
        candidates = [self.view.begun(candidate) for candidate in candidates]
        pictures = [images[candidate.picture] for candidate in candidates]
        windows: list[Sequence[Window]] = []
        inputs: Blobs = {}
        for blob, view in self.views.items():
            windows.append(view.windows_beside(candidates, windows))
            inputs[blob] = view.show(pictures, windows[-1], candidates)
        looked = clock()
        outputs = self.forward(inputs)
        answered = clock()
        found = self.read(outputs, windows[0], candidates)
        seen = [one.seen(window) for one, window in zip(found, windows[0], strict=True)]
        times = start, looked, answered, clock()
        return Step(self, windows[0], inputs, outputs, seen, times, candidates)

    def read(
        self, outputs: Blobs, windows: Sequence[Window], candidates: Sequence[Candidate]
    ) -> Sequence[Candidate]:
        """Candidates (n) with what the net's outputs say of them in these windows.

        Raises ProtofaceError for what an answer cannot be.
        """
        try:
            for blob, answer in self.answers.items():
                candidates = answer.read(outputs[blob], windows, candidates)
        except ProtofaceError as error:
            raise ProtofaceError(f"stage '{self.name}': {error}") from error
        return candidates


def _kept(step: Step, keep: Keep) -> Step:
    """The step with those candidates that its stage keeps."""
    kept = keep.chosen(step.windows, step.candidates)
    return step._replace(candidates=[step.candidates[index] for index in kept], kept=kept)


def _with_boxes(candidates: Sequence[Candidate], given: Sequence[Candidate]) -> list[Candidate]:
    """Candidates with the boxes that they were given."""
    return [one._replace(box=other.box) for one, other in zip(candidates, given, strict=True)]


def _joined(steps: Sequence[Step]) -> Step:
    """Steps of one stage, one after the other, as one."""
    start = steps[0].times[0]
    looked = start + sum(step.seconds.inputs for step in steps)
    answered = looked + sum(step.seconds.forward for step in steps)
    end = answered + sum(step.seconds.read for step in steps)
    return Step(
        steps[0].stage,
        [window for step in steps for window in step.windows],
        _together([step.inputs for step in steps]),
        _together([step.outputs for step in steps]),
        [candidate for step in steps for candidate in step.candidates],
        (start, looked, answered, end),
        [candidate for step in steps for candidate in step.looked],
    )


def _together(parts: Sequence[Blobs]) -> Blobs:
    return {blob: np.concatenate([part[blob] for part in parts]) for blob in parts[0]}
