"""A stage: a net, the views that it looks through, and what its answers mean."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from protoface.converters.ends import Blobs, Run

from .answers.answer_kind import AnswerKind
from .face import Candidate, Face
from .views.view_kind import ViewKind
from .windows.halves import Picture
from .windows.window import Window

#: Gives seconds, as `time.perf_counter`.
Clock = Callable[[], float]


def no_clock() -> float:
    """For who does not ask for times: some machines take microseconds to tell the time."""
    return 0.0


class Seconds(NamedTuple):
    """How long the parts of a stage took: making the net's inputs, the net, reading its answers."""

    inputs: float
    forward: float
    read: float


class Step(NamedTuple):
    """What a stage did: see `Cascade.steps`.

    `windows` (n) are those of its first view, `inputs` and `outputs` the net's blobs by name,
    `candidates` what is known of the faces now. `times` are the clock's readings before it, with the
    inputs made, after the net, and after its answers were read.
    """

    stage: Stage
    windows: Sequence[Window]
    inputs: Blobs
    outputs: Blobs
    candidates: Sequence[Candidate]
    times: tuple[float, float, float, float]

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
    relative to.
    """

    name: str
    views: Mapping[str, ViewKind]
    answers: Mapping[str, AnswerKind]
    forward: Run

    @cached_property
    def view(self) -> ViewKind:
        """The first view."""
        return next(iter(self.views.values()))

    @cached_property
    def needs_box(self) -> bool:
        """Whether candidates must have boxes."""
        return any(view.needs_box for view in self.views.values())

    def step(
        self, images: Sequence[Picture], candidates: Sequence[Candidate], clock: Clock = no_clock
    ) -> Step:
        """Look at candidates in their pictures, and read what the net answers; see `make_input`."""
        start = clock()
        pictures = [images[candidate.picture] for candidate in candidates]
        windows: list[Sequence[Window]] = []
        inputs: Blobs = {}
        for blob, view in self.views.items():
            windows.append(view.windows(candidates))
            inputs[blob] = view.make_input(pictures, windows[-1])
        looked = clock()
        outputs = self.forward(inputs)
        answered = clock()
        for blob, answer in self.answers.items():
            candidates = answer.read(outputs[blob], windows[0], candidates)
        seen = [one.seen(window) for one, window in zip(candidates, windows[0], strict=True)]
        times = start, looked, answered, clock()
        return Step(self, windows[0], inputs, outputs, seen, times)
