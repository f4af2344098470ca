"""ONNX written node by node from a net and its weights, opset 17 and up.

Inputs and outputs carry the Caffe blobs' names, the batch size is free (`N`) but where a layer needs it
fixed, weights are inline.
"""

from __future__ import annotations

import math
import os
from collections import Counter
from collections.abc import Sequence
from itertools import combinations

import onnx
from onnx import TensorProto, helper

from . import caffe_pb2
from .blobs import Array, blob_view, field_head
from .errors import ProtofaceError
from .files import replacing
from .graph import Graph, Value, build_graph, deployed
from .messages import without
from .onnx_graph import OnnxGraph
from .part import with_input_shapes
from .weights import blobs_of, without_weights

#: What the nodes written by `layers/` are valid for: Caffe's layers need nothing newer than 17.
OPSET = 17
MINIMUM_OPSET = 13
# The first ONNX IR that carries opset 17; older runtimes refuse a newer one than they know.
IR_VERSION = 8
BATCH = "N"
OpenShapes = dict[
    str, Sequence[int | str | None]
]  # a value's name -> its shape; text and None are open
MANY_INPUTS = 5  # with so many it is not tried out which of them have a batch axis
LARGE = 1 << 10  # values of a constant: shapes and the like, which the checker reads, have fewer


def to_onnx(net: caffe_pb2.NetParameter, source: str, opset: int = OPSET) -> onnx.ModelProto:
    """The TEST phase of a net that holds its weights, as a checked ONNX model.

    Data and loss layers are left out; `source` names the net in errors. Raises ProtofaceError for a
    layer that ONNX cannot express and for an opset outside 13 .. the installed onnx's newest.
    """
    newest = onnx.defs.onnx_opset_version()
    if not MINIMUM_OPSET <= opset <= newest:
        raise ProtofaceError(f"--opset {opset}: this onnx writes {MINIMUM_OPSET} to {newest}")
    graph = build_graph(deployed(net), source)
    blobs = blobs_of(net, graph, source)
    written = OnnxGraph(
        (value.name for node in graph.nodes for value in node.tops),
        (value.name for value in graph.outputs),
    )
    uses = Counter(key for node in graph.nodes for key in node.keys)
    shared: dict[str, Array] = {}
    for node in graph.nodes:
        if node.layer.fed:
            continue
        arrays = []
        for key, spec in zip(node.keys, node.specs, strict=True):
            array = shared[key] if key in shared else blob_view(blobs[key], key).reshape(spec.shape)
            if uses[key] > 1:
                shared[key] = array
            arrays.append(array)
        bottoms = [written.now(value.name) for value in node.bottoms]
        node.layer.onnx(written, bottoms, arrays, [value.name for value in node.tops])
        written.forget(array for key, array in zip(node.keys, arrays, strict=True) if uses[key] == 1)
    return _finished(written, graph, opset, _open_shapes(without_weights(net), graph, source))


def _open_shapes(net: caffe_pb2.NetParameter, graph: Graph, source: str) -> OpenShapes:
    """Every value's shape for any batch; empty where another one than declared would be wrong.

    Found out by one more of every input, or of some: others may have no batch axis.
    """
    inputs = [value for value in graph.inputs if value.shape]
    least = 1 if len(inputs) < MANY_INPUTS else len(inputs)
    for count in range(len(inputs), least - 1, -1):
        for chosen in combinations(inputs, count):
            shapes = _grown(net, graph, chosen, source)
            if shapes:
                return shapes
    return {}


def _grown(
    net: caffe_pb2.NetParameter, graph: Graph, inputs: Sequence[Value], source: str
) -> OpenShapes:
    """Every value's shape, open where it grows if `inputs` hold one more picture.

    Empty if that is an error, changes a weight's shape, or a layer takes more and gives as much as
    before: that one works along the batch.
    """
    batch = inputs[0].shape[0]
    if any(value.shape[0] != batch for value in inputs):
        return {}
    try:
        larger = {value.blob: (batch + 1, *value.shape[1:]) for value in inputs}
        other = build_graph(with_input_shapes(net, larger), source)
    except ProtofaceError:
        return {}
    shapes: OpenShapes = {}
    growing: set[str] = set()
    for node, twin in zip(graph.nodes, other.nodes, strict=True):
        if node.layer.fixed or [a.shape for a in node.specs] != [b.shape for b in twin.specs]:
            return {}
        reads = node.layer.batched and any(value.name in growing for value in node.bottoms)
        for value, grown in zip(node.tops, twin.tops, strict=True):
            if grown.shape != value.shape:
                growing.add(value.name)
            elif reads:
                return {}
            sizes = zip(value.shape, grown.shape, strict=True)
            shapes[value.name] = [
                a if a == b else BATCH if (a, b) == (batch, batch + 1) else None for a, b in sizes
            ]
    return shapes


def write_onnx(path: str | os.PathLike[str], model: onnx.ModelProto) -> None:
    """Write a model that `to_onnx` made; never is all of it serialised in memory."""
    bare = without(model.graph, "initializer").SerializeToString()
    tensors = model.graph.initializer
    heads = [_head(tensor, model.graph.INITIALIZER_FIELD_NUMBER) for tensor in tensors]
    total = len(bare) + sum(map(len, heads)) + sum(map(_size, tensors))
    with replacing(path) as temporary, open(temporary, "wb") as file:
        file.write(without(model, "graph").SerializeToString())
        file.write(field_head(model.GRAPH_FIELD_NUMBER, total))
        file.write(bare)
        for head, tensor in zip(heads, tensors, strict=True):
            file.write(head)
            file.write(tensor.raw_data)


def _head(tensor: onnx.TensorProto, number: int) -> bytes:
    """All of the serialised field `number` that holds a tensor but its `raw_data`, the last in it."""
    bare = onnx.TensorProto(name=tensor.name, dims=tensor.dims, data_type=tensor.data_type)
    head = bare.SerializeToString() + field_head(tensor.RAW_DATA_FIELD_NUMBER, _size(tensor))
    return field_head(number, len(head) + _size(tensor)) + head


def _size(tensor: onnx.TensorProto) -> int:
    """Bytes of a tensor's `raw_data`, which need not be copied out for that."""
    return math.prod(tensor.dims) * helper.tensor_dtype_to_np_dtype(tensor.data_type).itemsize


def _finished(written: OnnxGraph, graph: Graph, opset: int, opened: OpenShapes) -> onnx.ModelProto:
    model = written.model
    model.ir_version = max(IR_VERSION, helper.find_min_ir_version_for([helper.make_opsetid("", opset)]))
    model.opset_import.add(domain="", version=opset)
    model.graph.name = graph.name or "net"
    model.graph.node.extend(written.nodes)
    shapes: OpenShapes = {value.name: value.shape for value in (*graph.inputs, *graph.outputs)}
    shapes.update(opened)
    shapes.update(written.declared)
    for values, infos in ((graph.inputs, model.graph.input), (graph.outputs, model.graph.output)):
        infos.extend(
            helper.make_tensor_value_info(value.name, TensorProto.FLOAT, shapes[value.name])
            for value in values
        )
    onnx.checker.check_model(light(model), full_check=True)
    return model


def light(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy of a model whose large constants are inputs: as good to check, and quick."""
    copy = without(model, "graph")
    copy.graph.CopyFrom(without(model.graph, "initializer"))
    for tensor in model.graph.initializer:
        if math.prod(tensor.dims) <= LARGE:
            copy.graph.initializer.append(tensor)
        else:
            value = helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims)
            copy.graph.input.append(value)
    return copy
