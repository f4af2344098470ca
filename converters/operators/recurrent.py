"""LSTM."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..caffe_graph import CaffeGraph
from ..onnx_node import OnnxNode
from .registration import operator

#: What is not plain: attributes and inputs (peepholes, lengths of the sequences) that Caffe lacks.
ATTRIBUTES = ("activations", "activation_alpha", "activation_beta", "clip", "input_forget", "layout")
LENGTHS, PEEPHOLES = 4, 7


@operator("LSTM")
def lstm(graph: CaffeGraph, node: OnnxNode) -> None:
    """LSTM of one direction, without peepholes; `cont` says that no sequence begins on the way."""
    shape, blobs = graph.shape(node), _weights(graph, node)
    direction = node.attribute("direction", "forward")
    unknown = [name for name in ATTRIBUTES if node.attribute(name)]
    if direction != "forward" or unknown or node.has_input(LENGTHS) or node.has_input(PEEPHOLES):
        node.fail(f"direction {direction}, {unknown}, lengths or peepholes: not in Caffe's LSTM")
    if len(shape) != 3:
        node.fail(f"its input {list(shape)} is not T x N x D")
    steps, count, hidden = *shape[:2], blobs[-1].shape[1]
    names = [*node.outputs, "", "", ""][:3]
    exposed = any(map(node.has_input, (5, 6))) or any(names[1:])
    graph.spend(node, steps * count + 2 * count * hidden)
    going = np.ones((steps, count), np.float32)
    going[0] = exposed  # else Caffe would go on from the pass before
    bottoms = [graph.blob(node), _parameter(graph, node, "cont", going)]
    tops = [graph.fresh(f"{node.name}/h")]
    if exposed:
        bottoms += [_state(graph, node, index, (1, count, hidden)) for index in (5, 6)]
        tops += [
            name or graph.fresh(f"{node.name}/last_{index}") for index, name in enumerate(names[1:])
        ]
    options = {"num_output": hidden, "expose_hidden": exposed}
    graph.layers(node, "LSTM", bottoms, tops, {"recurrent_param": options}, blobs)
    if names[0]:  # the axis of directions
        dims = {"shape": {"dim": [steps, 1, count, hidden]}}
        graph.layers(node, "Reshape", tops[:1], names[:1], {"reshape_param": dims})


def _weights(graph: CaffeGraph, node: OnnxNode) -> list[NDArray[np.float32]]:
    """Caffe's blobs: of x, their bias, of h; ONNX's gates are input, output, forget, new."""
    weights = [graph.floats(node, index) for index in (1, 2)]
    gates, hidden = weights[1].shape[1:] if weights[1].ndim == 3 else (0, 0)
    shapes = [(1, gates, weights[0].shape[-1]), (1, gates, hidden)]
    if gates != 4 * hidden or [weight.shape for weight in weights] != shapes:
        node.fail(f"its weights {[list(weight.shape) for weight in weights]} are not of one direction")
    bias = graph.floats(node, 3) if node.has_input(3) else np.zeros((1, 2 * gates), np.float32)
    if bias.shape != (1, 2 * gates):
        node.fail(f"its bias {list(bias.shape)} is not two numbers for each of {gates} gates")
    blobs = [weights[0][0], bias[0, :gates] + bias[0, gates:], weights[1][0]]
    order = np.arange(gates).reshape(4, hidden)[[0, 2, 1, 3]].reshape(-1)
    return [blob[order] for blob in blobs]


def _state(graph: CaffeGraph, node: OnnxNode, index: int, shape: tuple[int, ...]) -> str:
    """The state before, zeros where none is given."""
    if node.has_input(index):
        return graph.blob(node, index)
    return _parameter(graph, node, f"before_{index}", np.zeros(shape, np.float32))


def _parameter(graph: CaffeGraph, node: OnnxNode, name: str, array: NDArray[Any]) -> str:
    top = graph.fresh(f"{node.name}/{name}")
    options = {"parameter_param": {"shape": {"dim": list(array.shape)}}}
    return graph.layers(node, "Parameter", [], [top], options, [array])[0]
