"""The net of a stage: checked against its views and answers, and run by a backend."""

from __future__ import annotations

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
from .finding_stage import AT_ONCE, CACHED, Finder
from .keep import make_keep
from .parts import check_parts
from .stage import Stage
from .views.view_kind import ViewKind
from .windows import clean
from .windows.mode import Mode


class _End(Protocol):
    """A view or an answer: what is at one end of a net."""

    blob: str

    @property
    def wanted(self) -> tuple[int, ...] | None: ...

    def told(self, shape: tuple[int, ...]) -> None: ...


End = TypeVar("End", bound=_End)


class Compiled:
    """The nets of one cascade on one backend: a net that several stages share is compiled once."""

    def __init__(self, backend: str, threads: int | None = None) -> None:
        self._backend: Backend = BACKENDS[backend]
        self.on_gpu = "cuda" in backend
        self._threads = threads
        self._opened: dict[tuple[int, int], tuple[Ends, Callable[[], Run]]] = {}

    def open(
        self, net: Runnable, stage: cascade_pb2.StageParameter, pixels: int, multiple: int = 0
    ) -> tuple[Ends, Callable[[], Run]]:
        """The ends of a stage's net, and what compiles it; its input has so many `pixels`.

        If `multiple` is not 0 its sides are any multiples of so many pixels; sizes that are open then
        are 0. The nets must live as long as this is used.
        """
        key = id(net), multiple
        if key not in self._opened:
            self._opened[key] = self._open(net, stage, pixels, multiple)
        return self._opened[key]

    def _open(
        self, net: Runnable, stage: cascade_pb2.StageParameter, pixels: int, multiple: int
    ) -> tuple[Ends, Callable[[], Run]]:
        if isinstance(net, OnnxFile):
            work = estimated_work(len(net.content), pixels)
            ends, run = self._backend.open(net, self._threads_for(work))
            check_free(ends, net.path, multiple > 0)
            return ends, lambda: run
        # here, since files that a runtime reads by itself do without: it takes long to import
        from .backends.in_memory import InMemory

        held = InMemory(net, stage.onnx or stage.net, multiple)
        if held.is_onnx:
            check_free(held.ends, held.source, multiple > 0)
        source = f"stage '{stage.name}'" + (f" ({stage.onnx})" if stage.onnx else "")
        threads = self._threads_for(held.work(pixels))
        more = {"multiple": multiple} if multiple else {}
        return held.ends, cache(lambda: self._backend.run(held.folded(), source, threads, **more))

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
    mode: Mode = clean,
) -> Stage:
    """The stage with its net on a backend. Raises ProtofaceError if the net does not fit it."""
    where = f"stage '{stage.name}'"
    check_parts(stage, views, answers, where)
    keep = make_keep(stage, answers, mode, where)
    pixels = max(view.pixels for view in views)
    levels = views[0].levels
    ends, compile_net = compiled.open(net, stage, pixels, levels.multiple if levels else 0)
    fed, read = fitted(stage, ends, views, answers)
    forward = compile_net()
    if stage.flip_average:
        forward = mirror_averaged(forward, fed, read)
    if levels:
        at_once = AT_ONCE if compiled.on_gpu else CACHED
        return Finder(stage.name, fed, read, forward, keep, mode=mode, at_once=at_once)
    return Stage(stage.name, fed, read, forward, keep)


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
    read = _matched(answers, ends.outputs, f"{where} needs an output of", "the net gives")
    shapes = {value.blob: value.shape for value in ends.outputs}
    for blob, answer in read.items():
        answer.check(shapes[blob][1], where)
    return fed, read


def check_free(ends: Ends, source: str, any_size: bool = False) -> None:
    """Raise ProtofaceError for an ONNX model that takes a fixed number of pictures only.

    With `any_size` also for one that takes pictures of one size only.
    """
    if any_size and any(0 not in value.shape[2:] for value in ends.inputs):
        taken = [list(value.shape) for value in ends.inputs]
        raise ProtofaceError(
            f"{source}: its height and width must be free for a window with levels, it takes {taken}; "
            "pack the cascade again"
        )
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
        part.told(tuple(value.shape[1:]))
        if part.wanted is not None and not _fits(value.shape[1:], part.wanted):
            raise ProtofaceError(
                f"{needs} shape {_text(part.wanted)}, {has} {_text(value.shape[1:])} in '{value.blob}'"
            )
        matched[value.blob] = part
    return matched


def _fits(shape: Sequence[int], wanted: Sequence[int]) -> bool:
    """Whether a shape is the one wanted, in which 0 stands for any size."""
    return len(shape) == len(wanted) and all(b in (0, a) for a, b in zip(shape, wanted, strict=True))


def _text(shape: Sequence[int]) -> str:
    return " x ".join(str(size or "any") for size in shape) or "one number"
