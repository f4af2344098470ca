"""The net of a stage: whether it fits, and how it is made to run."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from onnx import ModelProto

from protoface.converters.errors import ProtofaceError
from protoface.converters.fold import fold_batch_norm
from protoface.converters.graph import Net, build_graph

from . import cascade_pb2
from .backends.choice import BACKENDS, Batch, Forward
from .definition import Loaded
from .windows.window import Floats


def running(
    stage: cascade_pb2.StageParameter,
    net: Loaded,
    order: Sequence[int],
    backend: str,
    threads: int | None = None,
) -> Forward:
    """The net of a stage at work on a backend; `order` is that of the points in a mirrored picture."""
    if isinstance(net, Net):
        # Folded for every backend: OpenCV 5 is 1.8 times faster so, the others no slower.
        net = fold_batch_norm(net, stage.net)
    source = f"stage '{stage.name}'" + (f" ({stage.onnx})" if stage.onnx else "")
    forward = BACKENDS[backend].forward(net, source, threads)
    return mirror_averaged(forward, order) if stage.flip_average else forward


def mirror_averaged(forward: Forward, order: Sequence[int]) -> Forward:
    """A net that looks at each picture and at its mirror image, and answers the mean of both.

    Pictures are (n, 3, height, width), or have 3 channels for each point; answers are (n, 2 * points).
    """

    def run(batch: Batch) -> Floats:
        n, channels, height, width = batch.shape
        parts = batch.reshape(n, channels // 3, 3, height, width)[..., ::-1]
        if channels > 3:
            parts = parts[:, order]
        both = forward(np.concatenate([batch, parts.reshape(batch.shape)]))
        plain, mirrored = both.reshape(2, n, len(order), 2)
        mean: Floats = (plain + mirrored[:, order] * np.array((-1, 1), both.dtype)) / 2
        return mean.reshape(n, -1)

    return run


def check_net(stage: cascade_pb2.StageParameter, net: Loaded, points: int) -> None:
    """Raise ProtofaceError unless a net takes what its stage shows it, and answers so many points."""
    where, size = stage.onnx or stage.net, [stage.preprocess.size[0], stage.preprocess.size[-1]]
    inputs, outputs = _onnx_shapes(net, where) if isinstance(net, ModelProto) else _shapes(net, where)
    if len(inputs) != 1 or len(outputs) != 1:
        raise ProtofaceError(
            f"{where}: stage '{stage.name}' needs a net with one input and one output, "
            f"not {len(inputs)} and {len(outputs)}"
        )
    channels = 3 * points if stage.window.similarity.patch else 3
    if inputs[0] != [channels, *size]:
        raise ProtofaceError(
            f"{where}: stage '{stage.name}' makes pictures of {channels} x {size[0]} x {size[1]}, "
            f"the net takes {inputs[0]}"
        )
    if outputs[0] != [2 * points]:
        raise ProtofaceError(
            f"{where}: stage '{stage.name}' needs x and y of {points} points, "
            f"the net gives {outputs[0]}"
        )


def _shapes(net: Net, source: str) -> tuple[list[list[int]], list[list[int]]]:
    """Shapes of inputs and of outputs, without the batch."""
    graph = build_graph(net, source)
    return (
        [list(value.shape[1:]) for value in graph.inputs],
        [list(value.shape[1:]) for value in graph.outputs],
    )


def _onnx_shapes(model: ModelProto, source: str) -> tuple[list[list[int]], list[list[int]]]:
    weights = {tensor.name for tensor in model.graph.initializer}
    inputs, outputs = (
        [[dim.dim_value for dim in value.type.tensor_type.shape.dim] for value in values]
        for values in (
            [value for value in model.graph.input if value.name not in weights],
            model.graph.output,
        )
    )
    if any(shape[:1] != [0] for shape in inputs):
        raise ProtofaceError(f"{source}: its batch size must be free, it takes {inputs}")
    return [shape[1:] for shape in inputs], [shape[1:] for shape in outputs]
