"""ONNX written node by node from a net and its weights, opset 17 and up.

Inputs and outputs carry the Caffe blobs' names, the batch size is free (`N`), weights are inline.
"""

from __future__ import annotations

import math
import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper

from . import caffe_pb2
from .blobs import Array, blob_view, field_head
from .errors import ProtofaceError
from .files import replacing
from .graph import Graph, Value, build_graph, deployed
from .messages import without, write_parts
from .weights import blobs_of

#: What the nodes written by `layers/` are valid for: Caffe's layers need nothing newer than 17.
OPSET = 17
MINIMUM_OPSET = 13
# The first ONNX IR that carries opset 17; older runtimes refuse a newer one than they know.
IR_VERSION = 8
BATCH = "N"
LARGE = 1 << 10  # values of a constant: shapes and the like, which the checker reads, have fewer


class OnnxGraph:
    """The growing graph that a layer's `onnx` method appends to.

    `values` are the names of the net's own values, which nothing else may bear; `outputs` those of them
    that must be there at the end.
    """

    def __init__(self, values: Iterable[str], outputs: Iterable[str]) -> None:
        #: The model: its constants stand here from the start, nothing large is copied later.
        self.model = onnx.ModelProto(producer_name="protoface")
        self.nodes: list[onnx.NodeProto] = []
        #: Shapes of outputs, where they are not those of `Value`; see `declare`.
        self.declared: dict[str, list[int | str]] = {}
        self._copies: dict[str, str] = {}
        self._outputs = set(outputs)
        self._taken = set(values)
        self._stored: dict[int, str] = {}

    def declare(self, value: str, shape: Sequence[int | str]) -> None:
        """Shape of a value, if it becomes an output, whose first axis is not the batch (text: free)."""
        self.declared[value] = list(shape)

    def fresh(self, name: str) -> str:
        """`name`, lengthened until nothing else in the graph bears it."""
        while name in self._taken:
            name += "'"
        self._taken.add(name)
        return name

    def node(
        self,
        operator: str,
        inputs: Sequence[str],
        outputs: Sequence[str],
        attributes: Mapping[str, Any] | None = None,
    ) -> None:
        """Append one ONNX operator; the node bears the name of its first output."""
        self.nodes.append(
            helper.make_node(operator, inputs, outputs, name=outputs[0], **(attributes or {}))
        )

    def copy(self, source: str, targets: Sequence[str]) -> None:
        """Give `source` more names; only an output of the net takes a node (Identity) for that.

        Later nodes read that output then: ONNX Runtime 1.31 refuses a Pad of what an Identity before it
        has read as well.
        """
        for target in targets:
            if target in self._outputs:
                self.node("Identity", [source], [target])
                self._copies[source] = target
            else:
                self._copies[target] = source

    def now(self, name: str) -> str:
        """What to read for a value: itself, or what has come to stand for it by `copy`."""
        while name in self._copies:
            name = self._copies[name]
        return name

    def apply(
        self,
        operator: str,
        inputs: Sequence[str],
        name: str,
        attributes: Mapping[str, Any] | None = None,
    ) -> str:
        """Append one operator on the way to a top; returns its output: `name`, lengthened if taken."""
        output = self.fresh(name)
        self.node(operator, inputs, [output], attributes)
        return output

    def to_float(self, source: str, target: str) -> str:
        """Append a Cast to float32 (truth becomes 1) and return `target`."""
        self.node("Cast", [source], [target], {"to": TensorProto.FLOAT})
        return target

    def to_int(self, source: str, name: str) -> str:
        """Append a Cast to int64, towards zero, and return its output, called `name`."""
        return self.apply("Cast", [source], name, {"to": TensorProto.INT64})

    def number(self, name: str, value: float) -> str:
        """Store one float32 that broadcasts against anything, and return its name."""
        # one axis, as OpenCV 4 has no arrays without
        return self.constant(name, np.array([value], np.float32))

    def constant(self, name: str, array: NDArray[Any]) -> str:
        """Store an array inline (floats as float32, integers as int64) and return its name.

        That is `name`, lengthened if it is taken.
        """
        floats = np.issubdtype(array.dtype, np.floating)
        tensor = self.model.graph.initializer.add(name=self.fresh(name), dims=array.shape)
        tensor.data_type = TensorProto.FLOAT if floats else TensorProto.INT64
        tensor.raw_data = np.asarray(array, "<f4" if floats else "<i8").tobytes()
        return tensor.name

    def blobs(self, layer: str, blobs: Sequence[Array]) -> list[str]:
        """Store a layer's blobs under `<layer>.<index>` and return the names.

        An array met again (a blob that layers share) is stored once, until `forget`.
        """
        for index, blob in enumerate(blobs):
            if id(blob) not in self._stored:
                self._stored[id(blob)] = self.constant(f"{layer}.{index}", blob)
        return [self._stored[id(blob)] for blob in blobs]

    def forget(self, blobs: Iterable[Array]) -> None:
        """Take these arrays for new ones if they are met again: they are about to be freed."""
        for blob in blobs:
            self._stored.pop(id(blob), None)

    def reshape(self, source: str, shape: Sequence[int], target: str) -> str:
        """Append a Reshape (one -1 takes the rest) and return `target`."""
        constant = self.constant(f"{target}/shape", np.array(shape, np.int64))
        self.node("Reshape", [source, constant], [target])
        return target

    def sum_behind(self, source: str, shape: Sequence[int], first: int, name: str) -> str:
        """Append the sum over all axes from `first` (1 or more) on, which stay as ones; returns it.

        `shape` is that of `source`. One axis at a time: OpenCV 4 is wrong over three.
        """
        flat = self.reshape(
            source, [-1, *shape[1:first], math.prod(shape[first:])], self.fresh(f"{name}/flat")
        )
        axis = self.constant(f"{name}/axis", np.array([first]))
        total = self.apply("ReduceSum", [flat, axis], f"{name}/sum", {"keepdims": 1})
        ones = [1 for _ in shape[first:]]
        return self.reshape(total, [-1, *shape[1:first], *ones], self.fresh(name))

    def pad(
        self, source: str, before: Sequence[int], behind: Sequence[int], value: float, name: str
    ) -> str:
        """Append a Pad of the last two axes of N x C x H x W and return its output, called `name`."""
        target = self.fresh(name)
        amounts = self.constant(f"{target}/amounts", np.array([0, 0, *before, 0, 0, *behind]))
        constant = self.constant(f"{target}/value", np.array(value, np.float32))
        self.node("Pad", [source, amounts, constant], [target], {"mode": "constant"})
        return target


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
    return _finished(written, graph, opset)


def write_onnx(path: str | os.PathLike[str], model: onnx.ModelProto) -> None:
    """Write a model that `to_onnx` made; never is all of it serialised in memory."""
    bare = without(model.graph, "initializer").SerializeToString()
    tensors = model.graph.initializer
    number = model.graph.INITIALIZER_FIELD_NUMBER
    sizes = map(_serialised_size, tensors)
    total = len(bare) + sum(size + len(field_head(number, size)) for size in sizes)
    with replacing(path) as temporary, open(temporary, "wb") as file:
        file.write(without(model, "graph").SerializeToString())
        file.write(field_head(model.GRAPH_FIELD_NUMBER, total))
        file.write(bare)
        write_parts(file, number, tensors)


def _serialised_size(tensor: onnx.TensorProto) -> int:
    """Bytes of a tensor whose values are `raw_data`; `ByteSize` would serialise it to count them."""
    head = onnx.TensorProto(name=tensor.name, dims=tensor.dims, data_type=tensor.data_type)
    item = helper.tensor_dtype_to_np_dtype(tensor.data_type).itemsize
    size = math.prod(tensor.dims) * item
    return head.ByteSize() + len(field_head(tensor.RAW_DATA_FIELD_NUMBER, size)) + size


def _finished(written: OnnxGraph, graph: Graph, opset: int) -> onnx.ModelProto:
    model = written.model
    model.ir_version = max(IR_VERSION, helper.find_min_ir_version_for([helper.make_opsetid("", opset)]))
    model.opset_import.add(domain="", version=opset)
    model.graph.name = graph.name or "net"
    model.graph.node.extend(written.nodes)
    model.graph.input.extend(_info(value) for value in graph.inputs)
    model.graph.output.extend(_info(value, written.declared.get(value.name)) for value in graph.outputs)
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


def _info(value: Value, declared: list[int | str] | None = None) -> onnx.ValueInfoProto:
    shape: list[int | str] = [BATCH, *value.shape[1:]] if value.shape else []
    if declared is not None:
        shape = declared
    return helper.make_tensor_value_info(value.name, TensorProto.FLOAT, shape)
