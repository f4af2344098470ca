"""A Softmax of two channels as a Sigmoid of their differences, for ONNX Runtime.

Its Softmax along channels moves all numbers twice; the difference is made by the convolution before it,
which costs nothing. The same probabilities to within rounding: e^a / (e^a + e^b) = 1 / (1 + e^(b - a)).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import onnx
from onnx import helper, numpy_helper

from .blobs import Array

#: What a class loses to the other one.
DIFFERENCES = np.array([[1, -1], [-1, 1]], np.float32)


def as_sigmoids(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model with a Sigmoid for each Softmax over the two channels of a Conv.

    The Conv's output must be no output of the model, and be read by the Softmax alone. Without one it
    is the model itself.
    """
    pairs = _pairs(model.graph)
    if not pairs:
        return model
    made = onnx.ModelProto()
    made.CopyFrom(model)
    for conv, softmax in pairs:
        _join(made.graph, made.graph.node[conv], made.graph.node[softmax])
    return made


def _pairs(graph: onnx.GraphProto) -> list[tuple[int, int]]:
    """Numbers of Conv and Softmax."""
    dims = {tensor.name: tensor.dims for tensor in graph.initializer}
    read = [name for node in graph.node for name in node.input] + [out.name for out in graph.output]
    makers = {name: number for number, node in enumerate(graph.node) for name in node.output}
    pairs = []
    for number, node in enumerate(graph.node):
        if node.op_type != "Softmax" or node.input[0] not in makers or read.count(node.input[0]) > 1:
            continue
        conv = graph.node[makers[node.input[0]]]
        if _axis(node) == 1 and conv.op_type == "Conv" and _two_channels(conv, dims):
            pairs.append((makers[node.input[0]], number))
    return pairs


def _axis(node: onnx.NodeProto) -> int:
    return next((one.i for one in node.attribute if one.name == "axis"), -1)


def _two_channels(conv: onnx.NodeProto, dims: Mapping[str, object]) -> bool:
    """Whether its weights are constants of two channels of maps."""
    shapes = [list(dims.get(name, ())) for name in conv.input[1:]]  # type: ignore[call-overload]
    groups = next((one.i for one in conv.attribute if one.name == "group"), 1)
    return groups == 1 and len(shapes[0]) == 4 and all(shape[:1] == [2] for shape in shapes)


def _join(graph: onnx.GraphProto, conv: onnx.NodeProto, softmax: onnx.NodeProto) -> None:
    """Let a Conv make differences, and a Sigmoid read them."""
    arrays = {tensor.name: tensor for tensor in graph.initializer if tensor.name in conv.input}
    for place, name in enumerate(conv.input[1:], 1):
        found: Array = numpy_helper.to_array(arrays[name])
        conv.input[place] = f"{conv.output[0]}/difference{place}"
        differences = np.tensordot(DIFFERENCES.astype(found.dtype), found, 1)
        graph.initializer.append(numpy_helper.from_array(differences, conv.input[place]))
    softmax.CopyFrom(helper.make_node("Sigmoid", softmax.input, softmax.output, name=softmax.name))
