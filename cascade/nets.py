"""The net of a stage: checked against its views and answers, and run by a backend."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Protocol, TypeVar

import numpy as np

from protoface.converters.ends import Blobs, Ends, Run, Value
from protoface.converters.errors import ProtofaceError
from protoface.converters.onnx_file import OnnxFile

from . import cascade_pb2
from .answers.answer_kind import AnswerKind
from .backends.backend import Backend, estimated_work, few_threads
from .backends.choice import BACKENDS
from .definition import Runnable
from .stage import Stage
from .views.view_kind import ViewKind


class _End(Protocol):
    """A view or an answer: what is at one end of a net."""

    blob: str
    shape: tuple[int, ...]


End = TypeVar("End", bound=_End)


class Compiled:
    """The nets of one cascade on one backend: a net that several stages share is compiled once."""

    def __init__(self, backend: str, threads: int | None = None) -> None:
        self._backend: Backend = BACKENDS[backend]
        self._threads = threads
        self._opened: dict[int, tuple[Ends, Callable[[], Run]]] = {}

    def open(
        self, net: Runnable, stage: cascade_pb2.StageParameter, pixels: int
    ) -> tuple[Ends, Callable[[], Run]]:
        """The ends of a stage's net, and what compiles it; its input has so many `pixels`.

        The nets must live as long as this is used.
        """
        if id(net) not in self._opened:
            self._opened[id(net)] = self._open(net, stage, pixels)
        return self._opened[id(net)]

    def _open(
        self, net: Runnable, stage: cascade_pb2.StageParameter, pixels: int
    ) -> tuple[Ends, Callable[[], Run]]:
        if isinstance(net, OnnxFile):
            work = estimated_work(len(net.content), pixels)
            ends, run = self._backend.open(net, self._threads_for(work))
            check_free(ends, net.path)
            return ends, lambda: run
        # here, since files that a runtime reads by itself do without: it takes long to import
        from .backends.in_memory import InMemory

        held = InMemory(net, stage.onnx or stage.net)
        if held.is_onnx:
            check_free(held.ends, held.source)
        source = f"stage '{stage.name}'" + (f" ({stage.onnx})" if stage.onnx else "")
        threads = self._threads_for(held.work(pixels))
        return held.ends, cache(lambda: self._backend.run(held.folded(), source, threads))

    def _threads_for(self, work: float) -> int | None:
        if self._threads is not None or not self._backend.own_threads:
            return self._threads
        return few_threads(work)


def make_stage(
    stage: cascade_pb2.StageParameter,
    net: Runnable,
    views: Sequence[ViewKind],
    answers: Sequence[AnswerKind],
    compiled: Compiled,
) -> Stage:
    """The stage with its net on a backend. Raises ProtofaceError if the net does not fit it."""
    pixels = max(math.prod(view.shape[-2:]) for view in views)
    ends, compile_net = compiled.open(net, stage, pixels)
    fed, read = fitted(stage, ends, views, answers)
    forward = compile_net()
    if stage.flip_average:
        forward = mirror_averaged(forward, fed, read)
    return Stage(stage.name, fed, read, forward)


def mirror_averaged(
    forward: Run, views: Mapping[str, ViewKind], answers: Mapping[str, AnswerKind]
) -> Run:
    """A net that looks at each picture and at its mirror image, and answers the mean of both."""

    def run(inputs: Blobs) -> Blobs:
        both = {
            blob: np.concatenate([batch, views[blob].mirrored(batch)]) for blob, batch in inputs.items()
        }
        outputs = forward(both)
        means = {}
        for blob, answer in answers.items():
            values = outputs[blob]
            half = len(values) // 2
            means[blob] = (values[:half] + answer.mirrored(values[half:])) / 2
        return means

    return run


def fitted(
    stage: cascade_pb2.StageParameter,
    ends: Ends,
    views: Sequence[ViewKind],
    answers: Sequence[AnswerKind],
) -> tuple[dict[str, ViewKind], dict[str, AnswerKind]]:
    """Views by the input that each makes, answers by the output that each reads.

    Raises ProtofaceError unless the net takes what its stage shows it, and answers as it should.
    """
    where = f"{stage.onnx or stage.net}: stage '{stage.name}'"
    if len(ends.inputs) != len(views):
        raise ProtofaceError(
            f"{where} has {len(views)} view(s), its net {len(ends.inputs)} input(s): "
            f"{', '.join(value.blob for value in ends.inputs)}"
        )
    fed = _matched(views, ends.inputs, f"{where} makes an input of", "the net takes")
    return fed, _matched(answers, ends.outputs, f"{where} needs an output of", "the net gives")


def check_free(ends: Ends, source: str) -> None:
    """Raise ProtofaceError for an ONNX model that takes a fixed number of pictures only."""
    if any(value.shape[:1] != (0,) for value in ends.inputs):
        taken = [list(value.shape) for value in ends.inputs]
        raise ProtofaceError(f"{source}: its batch size must be free, it takes {taken}")


def _matched(parts: Sequence[End], values: Sequence[Value], needs: str, has: str) -> dict[str, End]:
    """Each view or answer by the blob that it names, or by the only one there is."""
    by_blob = {value.blob: value for value in values}
    matched: dict[str, End] = {}
    for part in parts:
        if not part.blob and len(parts) == len(values) == 1:
            value = values[0]
        elif part.blob in by_blob:
            value = by_blob[part.blob]
        else:
            raise ProtofaceError(
                f"{needs} blob '{part.blob}', {has} {', '.join(by_blob)}; name one of them (blob)"
            )
        if value.shape[1:] != part.shape:
            raise ProtofaceError(
                f"{needs} shape {_text(part.shape)}, {has} {_text(value.shape[1:])} in '{value.blob}'"
            )
        matched[value.blob] = part
    return matched


def _text(shape: Sequence[int]) -> str:
    return " x ".join(map(str, shape)) or "one number"
