"""Functions of one value at a time, and Softmax."""

from __future__ import annotations

import math

import numpy as np

from ..caffe_graph import CaffeGraph
from ..onnx_node import OnnxNode
from .registration import operator

#: ONNX operators that are a Caffe layer without any option.
PLAIN = {"Sigmoid": "Sigmoid", "Tanh": "TanH", "Abs": "AbsVal", "Exp": "Exp", "Log": "Log"}


@operator(*PLAIN)
def plain(graph: CaffeGraph, node: OnnxNode) -> None:
    """A Caffe layer of another name."""
    graph.layer(node, PLAIN[node.operator], [graph.blob(node)])


@operator("Relu")
def relu(graph: CaffeGraph, node: OnnxNode) -> None:
    """ReLU."""
    graph.layer(node, "ReLU", [graph.blob(node)])


@operator("LeakyRelu")
def leaky_relu(graph: CaffeGraph, node: OnnxNode) -> None:
    """ReLU with a slope."""
    options = {"negative_slope": node.number("alpha", 0.01)}
    graph.layer(node, "ReLU", [graph.blob(node)], {"relu_param": options})


@operator("Elu")
def elu(graph: CaffeGraph, node: OnnxNode) -> None:
    """ELU."""
    options = {"alpha": node.number("alpha", 1.0)}
    graph.layer(node, "ELU", [graph.blob(node)], {"elu_param": options})


@operator("PRelu")
def prelu(graph: CaffeGraph, node: OnnxNode) -> None:
    """PReLU with a slope per channel, or one for all."""
    slope, shape = graph.floats(node, 1), graph.shape(node)
    # it broadcasts from behind: (C, 1, 1) is a slope per channel
    aligned = (1,) * (len(shape) - slope.ndim) + slope.shape
    shared = slope.size == 1
    per_channel = len(aligned) == len(shape) > 1 and slope.size == aligned[1] == shape[1]
    if not shared and not per_channel:
        node.fail(f"a slope of shape {list(slope.shape)} is neither one per channel nor one for all")
    options = {"prelu_param": {"channel_shared": shared}}
    blob = slope.reshape(() if shared else (-1,))
    graph.layer(node, "PReLU", [graph.blob(node)], options, [blob])


@operator("Clip")
def clip(graph: CaffeGraph, node: OnnxNode) -> None:
    """ReLU6 for 0 to 6, ReLU without an upper bound, else Clip."""
    low, high = node.number("min", -math.inf), node.number("max", math.inf)
    if node.opset >= 11:
        low = _bound(graph, node, 1, -math.inf)
        high = _bound(graph, node, 2, math.inf)
    largest = float(np.finfo(np.float32).max)
    if (low, high) == (0, 6):
        graph.layer(node, "ReLU6", [graph.blob(node)])
    elif low == 0 and high >= largest:
        relu(graph, node)
    elif low <= -largest and high >= largest:
        graph.same(node, graph.blob(node))
    else:
        options = {"min": max(low, -largest), "max": min(high, largest)}
        graph.layer(node, "Clip", [graph.blob(node)], {"clip_param": options})


def _bound(graph: CaffeGraph, node: OnnxNode, index: int, default: float) -> float:
    if not node.has_input(index):
        return default
    bound = graph.floats(node, index)
    if bound.size != 1:
        node.fail(f"input {index} must be one number")
    return float(bound.reshape(-1)[0])


@operator("Greater")
def greater(graph: CaffeGraph, node: OnnxNode) -> None:
    """Threshold: true is 1 in Caffe."""
    options = {"threshold": _bound(graph, node, 1, 0)}
    graph.layer(node, "Threshold", [graph.blob(node)], {"threshold_param": options})


@operator("HardSigmoid")
def hard_sigmoid(graph: CaffeGraph, node: OnnxNode) -> None:
    """clip(alpha x + beta, 0, 1): Power and Clip."""
    alpha, beta = node.number("alpha", 0.2), node.number("beta", 0.5)
    _clipped_line(graph, node, alpha, beta)


@operator("HardSwish")
def hard_swish(graph: CaffeGraph, node: OnnxNode) -> None:
    """The input x times clip(x / 6 + 1/2, 0, 1)."""
    factor = _clipped_line(graph, node, 1 / 6, 0.5, inner="factor")
    options = {"eltwise_param": {"operation": "PROD"}}
    graph.layer(node, "Eltwise", [graph.blob(node), factor], options)


def _clipped_line(
    graph: CaffeGraph, node: OnnxNode, slope: float, shift: float, inner: str = ""
) -> str:
    options = {"power_param": {"scale": slope, "shift": shift}}
    line = graph.layer(node, "Power", [graph.blob(node)], options, inner="line")
    return graph.layer(node, "Clip", [line], {"clip_param": {"min": 0, "max": 1}}, inner=inner)


@operator("Softplus")
def softplus(graph: CaffeGraph, node: OnnxNode) -> None:
    """BNLL: log(1 + exp(x))."""
    graph.layer(node, "BNLL", [graph.blob(node)])


@operator("Softmax", "LogSoftmax")
def softmax(graph: CaffeGraph, node: OnnxNode) -> None:
    """Softmax along one axis, and its logarithm."""
    shape = graph.shape(node)
    axis = node.integer("axis", -1 if node.opset >= 13 else 1)
    along = axis % max(len(shape), 1)
    if node.opset < 13 and math.prod(shape[along + 1 :]) != 1:
        node.fail(
            "up to opset 12 it takes all axes behind the first as one; export with opset 13 or more"
        )
    logarithm = node.operator == "LogSoftmax"
    options = {"softmax_param": {"axis": along}}
    top = graph.layer(
        node, "Softmax", [graph.blob(node)], options, inner="softmax" if logarithm else ""
    )
    if logarithm:
        graph.layer(node, "Log", [top])
