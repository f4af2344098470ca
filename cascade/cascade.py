"""Running a cascade: pictures in, faces out."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import ArrayLike

from protoface.converters.errors import ProtofaceError, reason

from . import cascade_pb2
from .answers.answer_kind import make_answers
from .backends.choice import AUTO, BACKENDS, choose_backend
from .definition import (
    DEFAULT,
    NAMES,
    PathLike,
    Runnable,
    find_definition,
    load_nets,
    read_definition,
    runnable_nets,
)
from .face import Candidate, Face, given_boxes
from .layouts import layout_of
from .nets import Compiled, make_stage
from .stage import Clock, Stage, Step, no_clock
from .views.view_kind import make_views
from .windows.halves import Halves
from .windows.mode import find_mode
from .windows.window import Box, Image

#: Nets of the process that this one was forked from.
_LEFT: list[Sequence[Stage]] = []


class Cascade:
    """A list of stages, each of which refines the points of the one before. Made by `load`.

    `name`, `layout` (which points there are), `backend` and `mode` say what runs. Several threads may
    use it at once. A copy (pickle, copy.deepcopy, another process) loads it again; one that is made
    of nets in memory has no copy.
    """

    #: What `load` was given, for copies.
    source: tuple[Any, ...] | None = None

    def __init__(
        self,
        definition: cascade_pb2.CascadeParameter,
        nets: Sequence[Runnable],
        backend: str = AUTO,
        mode: str = "clean",
        threads: int | None = None,
        least_face: float | None = None,
        least_score: float | None = None,
    ) -> None:
        arithmetic = find_mode(mode)
        self.name, self.mode = definition.name, mode
        self.layout = layout_of(definition, self.name)
        self.backend = choose_backend(backend)
        self.stages = []
        compiled = Compiled(self.backend, threads)
        for stage, net in zip(definition.stage, nets, strict=True):
            where = f"stage '{stage.name}'"
            views = make_views(stage, self.layout, arithmetic, where)
            answers = make_answers(stage, self.layout, arithmetic, where)
            self.stages.append(make_stage(stage, net, views, answers, compiled, arithmetic))
        if least_face is not None:
            self._look_for(least_face)
        if least_score is not None:
            self._keep_from(least_score)
        self._process = os.getpid()

    def _look_for(self, least_face: float) -> None:
        """Let the stages that find faces look for others than their cascade says."""
        levels = [stage.view.levels for stage in self.stages if stage.view.levels]
        if not levels:
            raise ProtofaceError(
                f"least_face {least_face:g}: no stage of cascade '{self.name}' finds faces by their "
                "size; leave it out"
            )
        for one in levels:
            one.look_for(least_face)

    def _keep_from(self, least_score: float) -> None:
        """Let the last stage that goes by scores keep faces from another one on."""
        if not 0 <= least_score <= 1:
            raise ProtofaceError(f"least_score is {least_score:g}, it must be 0 to 1")
        for index, stage in reversed(list(enumerate(self.stages))):
            if stage.keep is not None and stage.keep.score is not None:
                self.stages[index] = replace(stage, keep=replace(stage.keep, score=least_score))
                return
        raise ProtofaceError(
            f"least_score {least_score:g}: no stage of cascade '{self.name}' keeps faces by their "
            "score; leave it out"
        )

    def __reduce__(self) -> tuple[Any, ...]:
        """Copies load it again. Raises ProtofaceError for one that was not loaded."""
        if self.source is None:
            raise ProtofaceError(
                f"cascade '{self.name}' is made of nets in memory, so it cannot be copied or used in "
                "another process; write it to a folder and load it"
            )
        return load, self.source

    def _reopen(self) -> None:
        """Load the nets again in a process that was forked: runtimes have threads that are not here."""
        again, arguments = self.__reduce__()
        _LEFT.append(self.stages)  # to end them would be to wait for their threads
        self.stages = again(*arguments).stages
        self._process = os.getpid()

    def detect(self, image: Image, boxes: ArrayLike | None = None) -> list[Face]:
        """Find the faces of one picture.

        `image` is H x W x 3 uint8 BGR, as cv2.imread gives it. Without `boxes` the first stage looks at
        the whole picture. With `boxes` (n, 4) of x, y, width, height in pixels it looks through each of
        them, and the result has a face for each box, in their order. Raises ProtofaceError for a
        picture of another shape or type, and for a box that covers no pixel of it.
        """
        return self.detect_batch([image], None if boxes is None else [boxes])[0]

    def detect_batch(
        self, images: Sequence[Image], boxes: Sequence[ArrayLike] | None = None
    ) -> list[list[Face]]:
        """`detect` for many pictures (of any sizes) at once: each net runs once for all of them."""
        last = deque(self._steps(images, boxes, no_clock, record=False), maxlen=1)
        return last[0].faces(len(images)) if last else [[] for _ in images]

    def steps(
        self,
        images: Sequence[Image],
        boxes: Sequence[ArrayLike] | None = None,
        clock: Clock = no_clock,
    ) -> Iterator[Step]:
        """What every stage does with the pictures, one after the other: the one loop over stages.

        A stage sees the candidates that the one before has left; where none are left, it ends. Steps
        tell their times by the `clock`, such as `time.perf_counter`.
        """
        return self._steps(images, boxes, clock, record=True)

    def _steps(
        self,
        images: Sequence[Image],
        boxes: Sequence[ArrayLike] | None,
        clock: Clock,
        record: bool,
    ) -> Iterator[Step]:
        """The same; without `record` steps need not hold all blobs."""
        if self._process != os.getpid():
            self._reopen()
        candidates: Sequence[Candidate] = begin(images, boxes)
        pictures = [Halves(image) for image in images]
        for stage in self.stages:
            if not candidates:
                return
            if stage.needs_box and any(candidate.box is None for candidate in candidates):
                raise ProtofaceError(f"stage '{stage.name}' looks through a box: give boxes")
            step = self._step(stage, pictures, candidates, clock, boxes is not None, record)
            yield step
            candidates = step.candidates

    def _step(
        self,
        stage: Stage,
        pictures: Sequence[Halves],
        candidates: Sequence[Candidate],
        clock: Clock,
        given: bool,
        record: bool,
    ) -> Step:
        try:
            return stage.step(pictures, candidates, clock, given, record)
        except (MemoryError, cv2.error) as error:
            shapes = [picture.image.shape for picture in pictures[:3]]
            sizes = ", ".join(f"{columns} x {rows}" for rows, columns, _ in shapes)
            why = reason(error, "there is not enough memory")
            raise ProtofaceError(
                f"stage '{stage.name}' fails at pictures of {sizes} pixels: {why}"
            ) from error


def begin(images: Sequence[Image], boxes: Sequence[ArrayLike] | None = None) -> list[Candidate]:
    """What the first stage looks at: each picture as a whole, or the boxes given for it.

    Raises ProtofaceError for what is no picture, or no box.
    """
    if boxes is not None and len(boxes) != len(images):
        raise ProtofaceError(
            f"{len(boxes)} lists of boxes for {len(images)} pictures; give one for each"
        )
    candidates = []
    given: Sequence[Box | None]
    for number, image in enumerate(images):
        check_image(image)
        given = [None] if boxes is None else given_boxes(boxes[number])
        candidates += [Candidate(number, image.shape[:2], box) for box in given]
    return candidates


def load(
    name_or_path: PathLike = DEFAULT,
    backend: str = AUTO,
    mode: str = "clean",
    weights: Sequence[PathLike] = (),
    threads: int | None = None,
    outside: bool = False,
    least_face: float | None = None,
    least_score: float | None = None,
) -> Cascade:
    """Load a cascade, ready to detect.

    `name_or_path` is a name that comes with the package, a `cascade.prototxt`, or a folder with one.
    `backend` is a key of BACKENDS, or `auto` for the fastest that is installed (`Cascade.backend` says
    which). `mode` is `clean`, or `faithful` to repeat the original's rounding. `weights`, one file for
    each stage, replace those that the cascade names. `threads` limits the runtime's threads (process
    wide in OpenCV and PyTorch); by default ONNX Runtime and OpenVINO take 1 for a net below 100 million
    multiply-adds, and their own choice for a larger one. The files that the cascade names lie in its
    folder, links followed, unless files `outside` are trusted. Restrictions on the use of the weights
    are logged once. `least_face` is the side in pixels of the smallest face that a cascade with a
    finder looks for, instead of what it says itself: it is faster with larger ones. `least_score`
    (0 to 1) replaces the score from which on its last stage that goes by scores keeps faces. Raises
    ProtofaceError naming the file, stage or backend.
    """
    path = find_definition(name_or_path, outside)
    contents: dict[str, bytes] = {}
    definition = read_definition(path, outside, contents=contents)
    nets: Sequence[Runnable]
    if BACKENDS[choose_backend(backend)].reads_onnx and not weights:
        nets = runnable_nets(definition, path.parent, contents)
    else:
        nets = load_nets(definition, path.parent, weights)
    cascade = Cascade(definition, nets, backend, mode, threads, least_face, least_score)
    name = name_or_path if name_or_path in NAMES else os.path.abspath(name_or_path)
    files = tuple(map(os.path.abspath, weights))
    cascade.source = (name, cascade.backend, mode, files, threads, outside, least_face, least_score)
    return cascade


def check_image(image: Image) -> None:
    """Raise ProtofaceError, with the remedy, unless `image` is H x W x 3 uint8 and not empty."""
    if not isinstance(image, np.ndarray) or image.dtype != np.uint8:
        kind = image.dtype if isinstance(image, np.ndarray) else type(image).__name__
        raise ProtofaceError(f"a picture must be H x W x 3 uint8 BGR, not {kind}; convert it first")
    if image.ndim != 3 or image.shape[2] != 3:
        raise ProtofaceError(
            f"a picture must be H x W x 3 uint8 BGR, not of shape {image.shape}; use cv2.cvtColor "
            "(COLOR_GRAY2BGR, COLOR_BGRA2BGR)"
        )
    if not image.size:
        raise ProtofaceError(f"the picture of shape {image.shape} has no pixels")
