"""Weights too small to matter, set to zero wherever a net is to compute: they cost time.

Training with weight decay leaves channels that no picture uses, and their weights shrink without end.
Below 1.2e-38 a float32 is denormal, and so are products of numbers that are a little larger; processors
multiply them many times slower. Weights below TINY are zero for a float32 that adds them to others.

Numbers that may be tiny for a reason stay as they are:
- blobs of the layers in EXACT: a variance is divided by, `scale_factor` counts, a Parameter may be
  anything;
- all that is no learned blob: eps, shifts and the like of a layer, scales of int8 in an ONNX model;
- nets that compute in float64, which holds numbers down to 1e-308;
- files of weights: what is read is written, bit for bit.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from .blobs import Array

if TYPE_CHECKING:
    from onnx import ModelProto, TensorProto

    from .graph import Graph

#: Weights of a smaller size are set to zero.
TINY = 1e-20
#: Types of layers whose blobs are not weights that are multiplied and added.
EXACT = ("BatchNorm", "Parameter")
#: ONNX operators whose second and third inputs are weights and a bias.
WEIGHTED = ("Conv", "ConvTranspose", "Gemm", "MatMul")
CHUNK = 1 << 16  # values that are looked at together: they stay in the cache, and need no second blob


def weights_in(graph: Graph) -> frozenset[str]:
    """Keys `<layer>.<index>` of the blobs in which tiny values may be set to zero."""
    exact = {key for node in graph.nodes if node.layer.type in EXACT for key in node.keys}
    return frozenset(key for node in graph.nodes for key in node.keys) - exact


def flushed(array: Array) -> Array:
    """`array` with 0 for what is smaller than TINY: itself if nothing is, else a copy."""
    flat, result = array.reshape(-1), None
    for start in range(0, flat.size, CHUNK):
        tiny = _between(flat[start : start + CHUNK], TINY)
        if tiny.any():
            result = flat.copy() if result is None else result
            result[start : start + CHUNK][tiny] = 0
    return array if result is None else result.reshape(array.shape)


def flushed_weights(arrays: Mapping[str, Array], graph: Graph) -> dict[str, Array]:
    """Arrays by their keys `<layer>.<index>` in `graph`, weights with 0 for what is tiny."""
    weights = weights_in(graph)
    return {key: flushed(array) if key in weights else array for key, array in arrays.items()}


def count_denormals(array: Array) -> int:
    """How many values are denormal in float32: not zero, and below 1.2e-38."""
    flat, limit = array.reshape(-1), float(np.finfo(np.float32).tiny)
    parts = (flat[start : start + CHUNK] for start in range(0, flat.size, CHUNK))
    # float64 first becomes what runs; much smaller numbers are zero then
    return sum(int(_between(part.astype(np.float32), limit).sum()) for part in parts)


def _between(values: Array, limit: float) -> np.ndarray:
    """Which values are neither 0 nor as large as `limit`."""
    sizes = np.abs(values)
    found: np.ndarray = (sizes > 0) & (sizes < limit)
    return found


def flushed_model(model: ModelProto) -> ModelProto:
    """An ONNX model with 0 for tiny weights: itself if it has none, else a copy.

    Weights are float32 tensors that nothing but WEIGHTED operators read, as weight or bias.
    """
    names = _weight_names(model)
    small = [
        (index, values)
        for index, tensor in enumerate(model.graph.initializer)
        if tensor.name in names and (values := _flushed_tensor(tensor)) is not None
    ]
    if not small:
        return model
    copy = type(model)()
    copy.CopyFrom(model)
    for index, values in small:
        tensor = copy.graph.initializer[index]
        tensor.ClearField("float_data")
        tensor.raw_data = values.astype("<f4").tobytes()
    return copy


def _weight_names(model: ModelProto) -> set[str]:
    weights: set[str] = set()
    others = {value.name for value in model.graph.output}
    for node in model.graph.node:
        found = set(node.input[1:3]) if node.op_type in WEIGHTED else set()
        weights |= found
        others |= set(node.input) - found
    return weights - others


def _flushed_tensor(tensor: TensorProto) -> Array | None:
    """The values of a float32 tensor with 0 for tiny ones; None if there are none."""
    from onnx import TensorProto, numpy_helper

    if tensor.data_type != TensorProto.FLOAT:
        return None
    values = numpy_helper.to_array(tensor)
    found = flushed(values)
    return None if found is values else found
