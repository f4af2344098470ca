"""An ONNX model in half precision: float16 weights and arithmetic, float32 inputs and outputs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from .errors import ProtofaceError
from .messages import without
from .onnx_export import light

FLOAT, HALF = TensorProto.FLOAT, TensorProto.FLOAT16
# float16's largest number; the lowest float32, Caffe's maximum over no pixel, becomes minus this.
LARGEST = 65504.0
# Inputs that ONNX wants in float32 whatever the data is in, by operator: their positions.
FLOAT32_INPUTS = {"Resize": (1, 2), "Upsample": (1,)}
# These stay in float32: ONNX has no float16 for them, or their sums and powers leave its range.
FLOAT32_OPERATORS = frozenset(
    {"NonMaxSuppression", "Range", "LRN", "LpNormalization", "ReduceL2", "ReduceSumSquare", "Pow"}
)


def to_float16(model: onnx.ModelProto, source: str) -> onnx.ModelProto:
    """A copy of a float32 model that computes in float16; inputs and outputs keep type and name.

    `source` names the model in errors. Raises ProtofaceError for a weight beyond float16's +-65504.
    """
    inferred = onnx.shape_inference.infer_shapes(light(model)).graph
    kinds = {value.name: value.type.tensor_type.elem_type for value in inferred.value_info}
    for value in [*model.graph.input, *model.graph.output]:
        kinds[value.name] = value.type.tensor_type.elem_type
    kinds.update({tensor.name: tensor.data_type for tensor in model.graph.initializer})
    wide = {name for node in model.graph.node for name in _float32_inputs(node)}
    floats = {name for name, kind in kinds.items() if kind == FLOAT} - wide
    half = without(model, "graph")
    half.graph.CopyFrom(without(model.graph, "initializer"))
    graph = half.graph
    for tensor in model.graph.initializer:
        if tensor.name in floats:
            _fill_half(graph.initializer.add(), tensor, f"{source}: '{tensor.name}'")
        else:
            graph.initializer.append(tensor)
    mark = "/float16"
    while any(name.endswith(mark) for name in kinds):
        mark += "'"
    entries = {value.name: value.name + mark for value in graph.input if value.name in floats}
    exits = {
        value.name: value.name + mark for value in graph.output if value.name in floats - set(entries)
    }
    nodes = [_cast(name, inside, HALF) for name, inside in entries.items()]
    for node in model.graph.node:
        nodes.extend(_half_nodes(node, floats, {**entries, **exits}, mark, source))
    nodes.extend(_cast(inside, name, FLOAT) for name, inside in exits.items())
    del graph.node[:], graph.value_info[:]
    graph.node.extend(nodes)
    onnx.checker.check_model(light(half), full_check=True)
    return half


def _float32_inputs(node: onnx.NodeProto) -> list[str]:
    positions = FLOAT32_INPUTS.get(node.op_type, ())
    return [name for index, name in enumerate(node.input) if index in positions]


def _half_nodes(
    node: onnx.NodeProto, floats: set[str], renamed: Mapping[str, str], mark: str, source: str
) -> Iterator[onnx.NodeProto]:
    """The node on float16 values; between casts if it must stay in float32."""
    copy = onnx.NodeProto()
    copy.CopyFrom(node)
    copy.input[:] = [renamed.get(name, name) for name in node.input]
    copy.output[:] = [renamed.get(name, name) for name in node.output]
    if node.op_type not in FLOAT32_OPERATORS:
        for attribute in copy.attribute:
            if node.op_type == "Cast" and attribute.name == "to" and attribute.i == FLOAT:
                attribute.i = HALF
            if attribute.HasField("t") and attribute.t.data_type == FLOAT:
                tensor = onnx.TensorProto()
                _fill_half(tensor, attribute.t, f"{source}: '{node.name}'")
                attribute.t.CopyFrom(tensor)
        yield copy
        return
    for index, name in enumerate(node.input):
        if name in floats:
            inside, copy.input[index] = copy.input[index], f"{node.output[0]}/{index}{mark}"
            yield _cast(inside, copy.input[index], FLOAT)
    outside = list(copy.output)
    copy.output[:] = [f"{name}/wide{mark}" if name in floats else name for name in outside]
    yield copy
    for name, inside in zip(outside, copy.output, strict=True):
        if name != inside:
            yield _cast(inside, name, HALF)


def _cast(source: str, target: str, kind: int) -> onnx.NodeProto:
    return helper.make_node("Cast", [source], [target], to=kind)


def _fill_half(half: onnx.TensorProto, tensor: onnx.TensorProto, where: str) -> None:
    array: NDArray[np.float32] = numpy_helper.to_array(tensor)
    beyond = np.abs(array, where=array != np.finfo(np.float32).min, out=np.zeros_like(array))
    if not beyond.max(initial=0) <= LARGEST:
        raise ProtofaceError(
            f"{where} holds {beyond.max():g}, float16 ends at 65504; leave --float16 out"
        )
    half.name, half.data_type, half.dims[:] = tensor.name, HALF, array.shape
    half.raw_data = np.maximum(array, -LARGEST).astype("<f2").tobytes()
