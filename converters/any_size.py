"""ONNX of fully convolutional nets for inputs of any height and width."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import onnx

from .ends import Value
from .errors import ProtofaceError
from .graph import Graph, Net, build_graph, deployed
from .onnx_export import OPSET, to_onnx
from .part import with_input_shapes

#: How much larger the inputs are made to see whether anything but shapes depends on it, in multiples.
LARGER = ((1, 2), (2, 3))


def to_any_size(net: Net, source: str, multiple: int = 1, opset: int = OPSET) -> onnx.ModelProto:
    """`to_onnx` with open heights and widths of inputs of four axes, any multiples of `multiple`.

    The declared sizes must be such multiples. Raises ProtofaceError naming what the net makes that
    depends on the size: whatever is not the same for larger inputs.
    """
    net = deployed(net)
    graph = build_graph(net, source)
    model = to_onnx(net, source, opset, any_size=True)
    for larger in _larger(net, graph, multiple, source):
        _compare(model, to_onnx(larger, source, opset, any_size=True), source)
        other = build_graph(larger, source)
        _open(model.graph.input, graph.inputs, other.inputs)
        _open(model.graph.output, graph.outputs, other.outputs)
    return model


def _larger(net: Net, graph: Graph, multiple: int, source: str) -> Iterator[Net]:
    """The net with larger inputs, in several ways."""
    spatial = [value for value in graph.inputs if len(value.shape) == 4]
    if not spatial or any(size % multiple for value in spatial for size in value.shape[2:]):
        raise ProtofaceError(
            f"{source}: takes {[list(value.shape) for value in graph.inputs]}; inputs of any size need "
            f"N x C x H x W, sides that are multiples of {multiple}"
        )
    for down, across in LARGER:
        shapes = {
            value.blob: (
                *value.shape[:2],
                value.shape[2] + down * multiple,
                value.shape[3] + across * multiple,
            )
            for value in spatial
        }
        yield with_input_shapes(net, shapes)


def _compare(model: onnx.ModelProto, other: onnx.ModelProto, source: str) -> None:
    for one, twin in zip(model.graph.node, other.graph.node, strict=False):
        if one != twin:
            _refuse(source, one.output[0])
    for tensor, constant in zip(model.graph.initializer, other.graph.initializer, strict=False):
        if tensor != constant:
            _refuse(source, tensor.name)


def _refuse(source: str, name: str) -> None:
    raise ProtofaceError(
        f"{source}: '{name}' depends on the height and width of the input; a net that is run on levels "
        "of a picture must be fully convolutional"
    )


def _open(
    infos: Iterable[onnx.ValueInfoProto], values: Sequence[Value], larger: Sequence[Value]
) -> None:
    """Open the sizes that differ; those of inputs get names."""
    for info, value, other in zip(infos, values, larger, strict=True):
        dims = info.type.tensor_type.shape.dim
        for axis, (size, grown) in enumerate(zip(value.shape, other.shape, strict=True)):
            if size != grown:
                dims[axis].Clear()
