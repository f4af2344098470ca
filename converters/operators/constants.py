"""Nodes whose result is known beforehand: shapes, indices, constants made of constants."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from ..caffe_graph import CaffeGraph
from ..onnx_node import OnnxNode
from .registration import Compute

Array = NDArray[Any]
#: Values in a constant that is computed here, if it is not made of more. Exporters compute shapes and
#: folded factors; a file that asks for more, by broadcasting or by a fill, is damaged.
LARGEST = 1 << 20


def folded(graph: CaffeGraph, node: OnnxNode) -> bool:
    """Whether the node's output is known now: the function then put it into `graph.constants`."""
    if node.operator == "Constant":
        graph.store(node.output, _constant(node))
        return True
    if node.operator == "Shape" and not graph.is_constant(node, 0):
        graph.compute(node, _shape(graph, node))
        return True
    compute = COMPUTED.get(node.operator)
    present = [index for index in range(len(node.inputs)) if node.has_input(index)]
    if compute is None or not present or not all(graph.is_constant(node, index) for index in present):
        return False
    arrays = [graph.constant(node, index) for index in present]
    try:
        result = np.asarray(compute(node, arrays))
    except (ValueError, IndexError, TypeError, OverflowError, ZeroDivisionError) as error:
        node.fail(f"its constants do not fit ({error})")
    graph.compute(node, result)
    return True


def _constant(node: OnnxNode) -> Array:
    tensor = node.attribute("value")
    if isinstance(tensor, onnx.TensorProto):
        try:
            return onnx.numpy_helper.to_array(tensor)
        except (ValueError, TypeError, KeyError) as error:
            node.fail(f"its tensor is damaged ({error})")
    for name in ("value_float", "value_int", "value_floats", "value_ints"):
        value = node.attribute(name)
        if value is not None:
            return np.array(value, np.float32 if "float" in name else np.int64)
    node.fail("holds no numbers")


def _shape(graph: CaffeGraph, node: OnnxNode) -> Array:
    shape = graph.shape(node)
    return np.array(shape[node.integer("start", 0) : node.attribute("end")], np.int64)


def _axes(node: OnnxNode, arrays: list[Array]) -> list[int]:
    """Axes of Squeeze and Unsqueeze: an attribute up to opset 12, an input from 13 on."""
    given = node.integers("axes") if len(arrays) < 2 else [int(axis) for axis in arrays[1].reshape(-1)]
    if given is None:
        return [axis for axis, size in enumerate(arrays[0].shape) if size == 1]
    return given


def _squeeze(node: OnnxNode, arrays: list[Array]) -> Array:
    return np.squeeze(arrays[0], tuple(_axes(node, arrays)))


def _unsqueeze(node: OnnxNode, arrays: list[Array]) -> Array:
    return np.expand_dims(arrays[0], tuple(_axes(node, arrays)))


def _slice(node: OnnxNode, arrays: list[Array]) -> Array:
    if len(arrays) < 3:
        node.fail("its bounds must be inputs (opset 10 and up)")
    starts, ends = (array.reshape(-1).tolist() for array in arrays[1:3])
    axes = arrays[3].reshape(-1).tolist() if len(arrays) > 3 else list(range(len(starts)))
    steps = arrays[4].reshape(-1).tolist() if len(arrays) > 4 else [1] * len(starts)
    index = [slice(None)] * arrays[0].ndim
    for axis, start, end, step in zip(axes, starts, ends, steps, strict=True):
        index[axis] = slice(start, end if step > 0 or end > -(1 << 31) else None, step)
    return arrays[0][tuple(index)]


def _filled(node: OnnxNode, arrays: list[Array]) -> Array:
    shape = [int(size) for size in arrays[0].reshape(-1)]
    _check_size(node, shape, [])
    value = node.attribute("value")
    fill = onnx.numpy_helper.to_array(value) if value is not None else np.zeros(1, np.float32)
    return np.full(shape, fill.reshape(-1)[0], fill.dtype)


def _expanded(node: OnnxNode, arrays: list[Array]) -> Array:
    shape = np.broadcast_shapes(arrays[0].shape, tuple(int(size) for size in arrays[1].reshape(-1)))
    _check_size(node, shape, arrays)
    return np.array(np.broadcast_to(arrays[0], shape))


def _gathered(node: OnnxNode, arrays: list[Array]) -> Array:
    axis = node.integer("axis", 0)
    rest = arrays[0].size // max(arrays[0].shape[axis], 1)
    _check_size(node, [arrays[1].size, rest], arrays)
    return np.take(arrays[0], arrays[1], axis)


def _joined(node: OnnxNode, arrays: list[Array]) -> Array:
    different = list({id(array): array for array in arrays}.values())
    _check_size(node, [sum(array.size for array in arrays)], different)
    return np.concatenate(arrays, node.integer("axis", 0))


def _check_size(node: OnnxNode, shape: Sequence[int], arrays: list[Array]) -> None:
    """Fail for a constant of `shape` that is much larger than the `arrays` that it is made of."""
    if math.prod(shape) > max(LARGEST, 4 * sum(array.size for array in arrays)):
        node.fail(f"makes a constant of shape {list(shape)}")


def _cast(node: OnnxNode, arrays: list[Array]) -> Array:
    return arrays[0].astype(onnx.helper.tensor_dtype_to_np_dtype(node.integer("to", 1)))


def _elementwise(function: Callable[..., Array]) -> Compute:
    def compute(node: OnnxNode, arrays: list[Array]) -> Array:
        _check_size(node, np.broadcast_shapes(*(array.shape for array in arrays)), arrays)
        with np.errstate(all="ignore"):
            return function(*arrays)

    return compute


def _divided(first: Array, second: Array) -> Array:
    """The quotient; that of whole numbers is rounded towards 0, as ONNX has it and NumPy has not."""
    if first.dtype.kind not in "iu":
        return first / second
    return (first - np.fmod(first, second)) // second


COMPUTED: dict[str, Compute] = {
    "Add": _elementwise(np.add),
    "Cast": _cast,
    "Concat": _joined,
    "ConstantOfShape": _filled,
    "Div": _elementwise(_divided),
    "Exp": _elementwise(np.exp),
    "Expand": _expanded,
    "Floor": _elementwise(np.floor),
    "Gather": _gathered,
    "Identity": lambda node, arrays: arrays[0],
    "Mul": _elementwise(np.multiply),
    "Neg": _elementwise(np.negative),
    "Reciprocal": _elementwise(np.reciprocal),
    "Reshape": lambda node, arrays: arrays[0].reshape(arrays[1].reshape(-1).tolist()),
    "Shape": lambda node, arrays: np.array(arrays[0].shape, np.int64),
    "Slice": _slice,
    "Sqrt": _elementwise(np.sqrt),
    "Squeeze": _squeeze,
    "Sub": _elementwise(np.subtract),
    "Transpose": lambda node, arrays: arrays[0].transpose(node.integers("perm")),
    "Unsqueeze": _unsqueeze,
}
