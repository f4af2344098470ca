"""Sums, products and powers, of values or with constants."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..blobs import Shape, to_blob
from ..caffe_graph import CaffeGraph
from ..onnx_node import OnnxNode
from .registration import operator

#: Layers whose bias a constant that is added becomes, and the field that says so.
BIASED = {
    "Convolution": "convolution_param",
    "Deconvolution": "convolution_param",
    "InnerProduct": "inner_product_param",
    "Scale": "scale_param",
}


@operator("Add", "Sub")
def add(graph: CaffeGraph, node: OnnxNode) -> None:
    """Eltwise SUM of two values; a constant becomes a bias, or a Power's shift."""
    sign = -1.0 if node.operator == "Sub" else 1.0
    if graph.is_constant(node, 0):
        value = graph.blob(node, 1)
        if sign < 0:  # c - x
            value = graph.layer(
                node, "Power", [value], {"power_param": {"scale": -1}}, inner="negative"
            )
        _shifted(graph, node, value, graph.floats(node, 0), 1)
    elif graph.is_constant(node, 1):
        _shifted(graph, node, graph.blob(node), sign * graph.floats(node, 1), 0)
    elif graph.shape(node, 0) == graph.shape(node, 1):
        operation = {"operation": "SUM", "coeff": [] if sign > 0 else [1, -1]}
        bottoms = [graph.blob(node, 0), graph.blob(node, 1)]
        graph.layer(node, "Eltwise", bottoms, {"eltwise_param": operation})
    else:
        first, second = graph.blob(node, 0), graph.blob(node, 1)
        if sign < 0:
            options = {"power_param": {"scale": -1}}
            second = graph.layer(node, "Power", [second], options, inner="negative")
        _broadcast(graph, node, "Bias", "bias_param", first, second)


@operator("Mul", "Div")
def multiply(graph: CaffeGraph, node: OnnxNode) -> None:
    """Eltwise PROD of two values; a constant becomes a Scale or a Power's scale."""
    quotient = node.operator == "Div"
    if graph.is_constant(node, 1):
        factor = graph.floats(node, 1)
        with np.errstate(divide="ignore"):
            _scaled(graph, node, graph.blob(node), np.float32(1) / factor if quotient else factor)
        return
    if quotient:
        power = {"power_param": {"power": -1}}
        inverse = graph.layer(node, "Power", [graph.blob(node, 1)], power, inner="inverse")
        if graph.is_constant(node, 0):
            _scaled(graph, node, inverse, graph.floats(node, 0))
        elif graph.shape(node, 0) == graph.shape_of(inverse):
            options = {"eltwise_param": {"operation": "PROD"}}
            graph.layer(node, "Eltwise", [graph.blob(node), inverse], options)
        else:
            _broadcast(graph, node, "Scale", "scale_param", graph.blob(node), inverse)
    elif graph.is_constant(node, 0):
        _scaled(graph, node, graph.blob(node, 1), graph.floats(node, 0))
    elif graph.shape(node, 0) == graph.shape(node, 1):
        bottoms = [graph.blob(node, 0), graph.blob(node, 1)]
        graph.layer(node, "Eltwise", bottoms, {"eltwise_param": {"operation": "PROD"}})
    else:
        _broadcast(graph, node, "Scale", "scale_param", graph.blob(node, 0), graph.blob(node, 1))


@operator("Sum", "Max")
def several(graph: CaffeGraph, node: OnnxNode) -> None:
    """Eltwise SUM or MAX of any number of values."""
    bottoms = [graph.blob(node, index) for index in range(len(node.inputs))]
    if len(bottoms) == 1:
        graph.same(node, bottoms[0])
        return
    options = {"eltwise_param": {"operation": node.operator.upper()}}
    graph.layer(node, "Eltwise", bottoms, options)


@operator("Neg", "Sqrt", "Reciprocal")
def power_of_one(graph: CaffeGraph, node: OnnxNode) -> None:
    """Power with one option set."""
    options = {"Neg": {"scale": -1}, "Sqrt": {"power": 0.5}, "Reciprocal": {"power": -1}}
    graph.layer(node, "Power", [graph.blob(node)], {"power_param": options[node.operator]})


@operator("Pow")
def power(graph: CaffeGraph, node: OnnxNode) -> None:
    """Power, where the exponent is one number; Exp, where the base is."""
    base = graph.is_constant(node, 0)
    number = graph.floats(node, 0 if base else 1)
    if number.size != 1:
        node.fail("one number must be the exponent or the base")
    value = float(number.reshape(-1)[0])
    if base:
        graph.layer(node, "Exp", [graph.blob(node, 1)], {"exp_param": {"base": value}})
    else:
        graph.layer(node, "Power", [graph.blob(node)], {"power_param": {"power": value}})


def _shifted(
    graph: CaffeGraph, node: OnnxNode, value: str, offset: NDArray[np.float32], index: int
) -> None:
    """`value` plus a constant: the bias of the layer before if that has none, else a layer."""
    if offset.size == 1:
        options = {"power_param": {"shift": float(offset.reshape(-1)[0])}}
        graph.layer(node, "Power", [value], options)
        return
    axis, blob = _run(graph, node, graph.shape_of(value), offset)
    # after `c - x` the value is not the node's own input, so that no layer before can take it over
    layer = graph.producer(node, index) if value == graph.blob(node, index) else None
    if layer is not None and layer.type in BIASED and len(layer.bottom) == 1:
        options = getattr(layer, BIASED[layer.type])
        own = tuple(layer.blobs[0].shape.dim) if layer.type == "Scale" else (options.num_output,)
        start = options.axis if layer.type != "InnerProduct" else len(graph.shape_of(value)) - 1
        unbiased = len(layer.blobs) == 1
        if unbiased and own == blob.shape and start % len(graph.shape_of(value)) == axis:
            options.bias_term = True
            layer.blobs.append(to_blob(blob))
            graph.take_over(node, layer)
            return
    options = {"bias_param": {"axis": axis, "num_axes": blob.ndim}}
    graph.layer(node, "Bias", [value], options, [blob])


def _scaled(graph: CaffeGraph, node: OnnxNode, value: str, factor: NDArray[Any]) -> None:
    if factor.size == 1:
        options = {"power_param": {"scale": float(factor.reshape(-1)[0])}}
        graph.layer(node, "Power", [value], options)
        return
    axis, blob = _run(graph, node, graph.shape_of(value), factor)
    options = {"scale_param": {"axis": axis, "num_axes": blob.ndim}}
    graph.layer(node, "Scale", [value], options, [blob])


def _run(
    graph: CaffeGraph, node: OnnxNode, shape: Shape, array: NDArray[Any]
) -> tuple[int, NDArray[np.float32]]:
    """First axis and content of a constant that broadcasts against `shape` from behind."""
    aligned = (1,) * (len(shape) - array.ndim) + array.shape
    varied = [axis for axis, size in enumerate(aligned) if size != 1]
    if len(aligned) != len(shape) or any(aligned[axis] != shape[axis] for axis in varied):
        node.fail(f"a constant of shape {list(array.shape)} does not fit {list(shape)} in Caffe")
    first, last = varied[0], varied[-1]
    if first == 0:
        node.fail(f"a constant of shape {list(array.shape)} differs from picture to picture")
    inner = array.reshape(aligned[first : last + 1])
    graph.spend(node, math.prod(shape[first : last + 1]))
    return first, np.ascontiguousarray(np.broadcast_to(inner, shape[first : last + 1]), np.float32)


def _broadcast(
    graph: CaffeGraph, node: OnnxNode, kind: str, field: str, first: str, second: str
) -> None:
    """Two blobs of which the smaller is repeated: over trailing axes by a layer with two bottoms.

    Over others by Tile and Eltwise.
    """
    small, large = sorted((first, second), key=lambda blob: math.prod(graph.shape_of(blob)))
    shape, other = graph.shape_of(large), graph.shape_of(small)
    if shape[len(shape) - len(other) :] == other:
        graph.layer(node, kind, [large, small], {field: {"axis": len(shape) - len(other)}})
        return
    kept = len(other)
    while kept > 1 and other[kept - 1] == 1:
        kept -= 1
    if len(other) != len(shape) or any(a not in (1, b) for a, b in zip(other, shape, strict=True)):
        node.fail(f"{list(other)} does not fit {list(shape)}")
    if other[:kept] != shape[:kept]:
        for axis in (axis for axis, size in enumerate(other) if size != shape[axis]):
            options = {"tile_param": {"axis": axis, "tiles": shape[axis]}}
            small = graph.layer(node, "Tile", [small], options, inner=f"axis_{axis}")
        operation = {"operation": "SUM" if kind == "Bias" else "PROD"}
        graph.layer(node, "Eltwise", [large, small], {"eltwise_param": operation})
        return
    if kept < len(other):
        options = {"flatten_param": {"axis": kept - 1}}
        small = graph.layer(node, "Flatten", [small], options, inner="flat")
    graph.layer(node, kind, [large, small], {field: {"axis": 0}})
