"""ONNX written node by node from a net and its weights, opset 17 and up.

Inputs and outputs carry the Caffe blobs' names, the batch size is free (`N`) but where a layer needs it
fixed, weights are inline.
"""

from __future__ import annotations

import math
import os
from collections import Counter

import onnx
from onnx import TensorProto, helper

from . import caffe_pb2
from .batch import OpenShapes, open_shapes
from .blobs import Array, blob_view, field_head
from .denormals import flushed, weights_in
from .errors import ProtofaceError
from .files import replacing
from .graph import Graph, build_graph, deployed
from .messages import without
from .onnx_graph import OnnxGraph
from .weights import blobs_of

#: What the nodes written by `layers/` are valid for: Caffe's layers need nothing newer than 17.
OPSET = 17
MINIMUM_OPSET = 13
# The first ONNX IR that carries opset 17; older runtimes refuse a newer one than they know.
IR_VERSION = 8
LARGE = 1 << 10  # values of a constant: shapes and the like, which the checker reads, have fewer


def to_onnx(
    net: caffe_pb2.NetParameter, source: str, opset: int = OPSET, any_size: bool = False
) -> onnx.ModelProto:
    """The TEST phase of a net that holds its weights, as a checked ONNX model.

    Data and loss layers are left out; `source` names the net in errors. Raises ProtofaceError for a
    layer that ONNX cannot express and for an opset outside 13 .. the installed onnx's newest. Weights
    too small to matter are written as zeros (`denormals.py`). `any_size`: layers that can are written
    so that they work on inputs of other heights and widths; `any_size.py` looks whether all of them
    can.
    """
    newest = onnx.defs.onnx_opset_version()
    if not MINIMUM_OPSET <= opset <= newest:
        raise ProtofaceError(f"--opset {opset}: this onnx writes {MINIMUM_OPSET} to {newest}")
    net = deployed(net)
    graph = build_graph(net, source)
    blobs = blobs_of(net, graph, source)
    written = OnnxGraph(
        (value.name for node in graph.nodes for value in node.tops),
        (value.name for value in graph.outputs),
        any_size,
        opset,
    )
    if any(not node.layer.fed and not (node.bottoms and node.layer.batched) for node in graph.nodes):
        written.beside_constants.update(value.name for value in graph.inputs)
    uses = Counter(key for node in graph.nodes for key in node.keys)
    weights = weights_in(graph)
    shared: dict[str, Array] = {}
    for node in graph.nodes:
        if node.layer.fed:
            continue
        arrays = []
        for key, spec in zip(node.keys, node.specs, strict=True):
            array = shared[key] if key in shared else blob_view(blobs[key], key).reshape(spec.shape)
            array = flushed(array) if key in weights else array
            if uses[key] > 1:
                shared[key] = array
            arrays.append(array)
        bottoms = [written.now(value.name) for value in node.bottoms]
        node.layer.onnx(written, bottoms, arrays, [value.name for value in node.tops])
        written.forget(array for key, array in zip(node.keys, arrays, strict=True) if uses[key] == 1)
    return _finished(written, graph, opset, open_shapes(net, graph, source))


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
