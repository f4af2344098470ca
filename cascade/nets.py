"""The net of a stage: checked against its views and answers, and run by a backend."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol, TypeVar

import numpy as np
from onnx import ModelProto

from protoface.converters.errors import ProtofaceError
from protoface.converters.fold import fold_batch_norm
from protoface.converters.graph import Net, Value
from protoface.converters.runtimes import Blobs, Run, ends_of

from . import cascade_pb2
from .answers.answer_kind import AnswerKind
from .backends.choice import BACKENDS
from .definition import Loaded
from .stage import Stage
from .views.view_kind import ViewKind


class _End(Protocol):
    """A view or an answer: what is at one end of a net."""

    blob: str
    shape: tuple[int, ...]


End = TypeVar("End", bound=_End)


def make_stage(
    stage: cascade_pb2.StageParameter,
    net: Loaded,
    views: Sequence[ViewKind],
    answers: Sequence[AnswerKind],
    backend: str,
    threads: int | None = None,
) -> Stage:
    """The stage with its net on a backend. Raises ProtofaceError if the net does not fit it."""
    fed, read = fitted(stage, net, views, answers)
    if isinstance(net, Net):
        # Folded for every backend: OpenCV 5 is 1.8 times faster so, the others no slower.
        net = fold_batch_norm(net, stage.net)
    source = f"stage '{stage.name}'" + (f" ({stage.onnx})" if stage.onnx else "")
    forward = BACKENDS[backend].run(net, source, threads)
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
            plain, mirrored = np.split(outputs[blob], 2)
            means[blob] = (plain + answer.mirrored(mirrored)) / 2
        return means

    return run


def fitted(
    stage: cascade_pb2.StageParameter,
    net: Loaded,
    views: Sequence[ViewKind],
    answers: Sequence[AnswerKind],
) -> tuple[dict[str, ViewKind], dict[str, AnswerKind]]:
    """Views by the input that each makes, answers by the output that each reads.

    Raises ProtofaceError unless the net takes what its stage shows it, and answers as it should.
    """
    source = stage.onnx or stage.net
    where = f"{source}: stage '{stage.name}'"
    ends = ends_of(net, source)
    if isinstance(net, ModelProto) and any(value.shape[:1] != (0,) for value in ends.inputs):
        taken = [list(value.shape) for value in ends.inputs]
        raise ProtofaceError(f"{source}: its batch size must be free, it takes {taken}")
    if len(ends.inputs) != len(views):
        raise ProtofaceError(
            f"{where} has {len(views)} view(s), its net {len(ends.inputs)} input(s): "
            f"{', '.join(value.blob for value in ends.inputs)}"
        )
    fed = _matched(views, ends.inputs, f"{where} makes an input of", "the net takes")
    return fed, _matched(answers, ends.outputs, f"{where} needs an output of", "the net gives")


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
