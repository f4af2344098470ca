"""An ONNX model as a Caffe net with weights; its operators are those of `operators/`.

The way back of `onnx_export.py`: what Caffe cannot express is refused by name.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from google.protobuf.message import DecodeError
from numpy.typing import NDArray

from . import caffe_pb2
from .blobs import Shape, fill_blob
from .errors import ProtofaceError
from .files import read_bytes
from .graph import Net
from .layers import make_layer
from .operators import OnnxNode, operators
from .operators.constants import folded
from .part import ONLY, cut_net
from .strings import check_strings

Options = Mapping[str, Any]
#: Bytes that constants computed from others may take, and how many more for every byte that is stored.
ROOM, ROOM_PER_BYTE = 16 << 20, 4


class CaffeGraph:
    """The growing net that an operator's function appends to.

    An ONNX value is held by a Caffe blob, known as a constant, or a Pad that waits for its reader.
    """

    def __init__(self, readers: Mapping[str, int]) -> None:
        self.net = Net()
        #: ONNX value -> its content, for those that are known.
        self.constants: dict[str, NDArray[Any]] = {}
        #: ONNX value -> the Pad node that makes it, and its pads (top, left, bottom, right).
        self.padded: dict[str, tuple[OnnxNode, tuple[int, int, int, int], float]] = {}
        #: ONNX value of whole numbers -> the blob that it is the Cast of.
        self.whole: dict[str, str] = {}
        self._readers = readers
        self._room = ROOM
        self._blobs: dict[str, str] = {}
        self._shapes: dict[str, Shape] = {}

    def store(self, name: str, array: NDArray[Any]) -> None:
        """Know a constant that stands in the file."""
        self.constants[name] = array
        self._room += ROOM_PER_BYTE * array.nbytes

    def compute(self, node: OnnxNode, array: NDArray[Any]) -> None:
        """Know the output of a node of constants."""
        self.spend(node, array.nbytes // 4 if array.flags.owndata else 0)
        self.constants[node.output] = array

    def spend(self, node: OnnxNode, count: int) -> None:
        """Fail if `node` makes `count` values more than the file is good for: it is damaged."""
        self._room -= 4 * count
        if self._room < 0:
            node.fail("makes constants out of all proportion to the file")

    def input(self, name: str, shape: Shape) -> None:
        """Append an input."""
        layer = self.net.layer.add(name=name, type="Input", top=[name])
        layer.input_param.shape.add(dim=shape)
        self._blobs[name], self._shapes[name] = name, shape

    def blob(self, node: OnnxNode, index: int = 0) -> str:
        """The Caffe blob that holds an input of `node`, a constant too; fails for a waiting Pad."""
        name = node.input(index)
        if name in self.padded:
            node.fail("reads a padded value; Caffe pads in Convolution and Pooling only")
        if name in self.whole:
            node.fail("reads whole numbers; Caffe's blobs hold floats only")
        if not self._held(name):
            node.fail(f"reads '{name}', which no node before it makes of floats")
        return self._blobs[name]

    def numbers(self, node: OnnxNode, index: int) -> str:
        """The blob that holds an input of whole numbers, not yet cut down to them."""
        return self.whole.get(node.input(index)) or self.blob(node, index)

    def _held(self, name: str) -> bool:
        """Whether a blob holds an ONNX value; a constant gets that of a Parameter, appended now."""
        array = self.constants.get(name)
        if name not in self._blobs and array is not None and array.dtype.kind == "f":
            layer = self.net.layer.add(name=name, type="Parameter", top=[name])
            layer.parameter_param.shape.dim.extend(array.shape)
            fill_blob(layer.blobs.add(), array.astype(np.float32, copy=False))
            self._blobs[name], self._shapes[name] = name, array.shape
        return name in self._blobs

    def shape(self, node: OnnxNode, index: int = 0) -> Shape:
        """The shape of that blob, at the declared batch size."""
        return self._shapes[self.blob(node, index)]

    def is_constant(self, node: OnnxNode, index: int) -> bool:
        """Whether an input of `node` is known."""
        return node.has_input(index) and node.inputs[index] in self.constants

    def constant(self, node: OnnxNode, index: int) -> NDArray[Any]:
        """The content of an input of `node` that must be known."""
        if not self.is_constant(node, index):
            node.fail(f"input {index} must be a constant for Caffe")
        return self.constants[node.inputs[index]]

    def floats(self, node: OnnxNode, index: int) -> NDArray[np.float32]:
        """A constant as float32."""
        array = self.constant(node, index)
        if array.dtype.kind not in "fiu":
            node.fail(f"input {index} holds {array.dtype}, not numbers")
        return array.astype(np.float32, copy=False)

    def integers(self, node: OnnxNode, index: int) -> list[int]:
        """A constant list of whole numbers."""
        array = self.constant(node, index)
        if array.dtype.kind not in "iu":
            node.fail(f"input {index} holds {array.dtype}, not whole numbers")
        return [int(value) for value in array.reshape(-1)]

    def fresh(self, name: str) -> str:
        """`name`, lengthened until no blob bears it."""
        while name in self._shapes or name in self._readers:
            name += "'"
        return name

    def layer(
        self,
        node: OnnxNode,
        kind: str,
        bottoms: Sequence[str],
        options: Options | None = None,
        blobs: Sequence[NDArray[Any]] = (),
        inner: str = "",
    ) -> str:
        """Append a layer that makes the node's first output, or a blob of its own called `inner`.

        Returns the top's name. `options` are fields of LayerParameter.
        """
        top = self.fresh(f"{node.output}/{inner}") if inner else node.output
        return self.layers(node, kind, bottoms, [top], options, blobs)[0]

    def layers(
        self,
        node: OnnxNode,
        kind: str,
        bottoms: Sequence[str],
        tops: Sequence[str],
        options: Options | None = None,
        blobs: Sequence[NDArray[Any]] = (),
    ) -> list[str]:
        """The same for a layer with several tops, called `tops`."""
        try:
            param = self.net.layer.add(**_fields(tops[0], kind, options or {}))
        except (TypeError, ValueError) as error:  # a number that the field cannot hold
            node.fail(f"does not fit Caffe's {kind} ({error})")
        param.bottom.extend(bottoms)
        param.top.extend(tops)
        try:
            layer = make_layer(param, [self._shapes[bottom] for bottom in bottoms], "as Caffe's")
            shapes = layer.tops()
        except ProtofaceError as error:
            node.fail(f"cannot be expressed: {error}")
        expected = [spec.shape for spec in layer.blobs()]
        if [array.shape for array in blobs] != expected:
            node.fail(f"its weights {[list(array.shape) for array in blobs]} do not fit {expected}")
        if any(top in self._shapes for top in tops):
            node.fail("makes a value that another node makes too")
        for array in blobs:
            fill_blob(param.blobs.add(), array.astype(np.float32, copy=False))
        for top, shape in zip(tops, shapes, strict=True):
            self._blobs[top], self._shapes[top] = top, shape
        return list(tops)

    def same(self, node: OnnxNode, blob: str) -> None:
        """The node's first output is what `blob` holds: no layer is needed."""
        self._blobs[node.output] = blob

    def shape_of(self, blob: str) -> Shape:
        """The shape of a blob that was appended."""
        return self._shapes[blob]

    def producer(self, node: OnnxNode, index: int) -> caffe_pb2.LayerParameter | None:
        """The layer of which `node` alone reads the only top, else None."""
        name = node.input(index)
        blob = self.blob(node, index)
        if self._readers.get(name, 0) != 1 or self._readers.get(blob, 1) != 1:
            return None
        made = [layer for layer in self.net.layer if blob in layer.top]
        read = any(blob in layer.bottom for layer in self.net.layer)
        return made[0] if made and len(made[0].top) == 1 and not read else None

    def take_over(self, node: OnnxNode, layer: caffe_pb2.LayerParameter) -> None:
        """Let `layer`, which a producer is, make the node's first output itself."""
        shape = self._shapes.pop(layer.top[0])
        for name in [name for name, blob in self._blobs.items() if blob == layer.top[0]]:
            del self._blobs[name]
        layer.name, layer.top[0] = node.output, node.output
        self._blobs[node.output], self._shapes[node.output] = node.output, shape

    def finished(self, outputs: Sequence[str]) -> Net:
        """The net with exactly these outputs, and the layers that they need."""
        for name in outputs:
            if not self._held(name):
                raise ProtofaceError(f"output '{name}' is not computed by Caffe layers, as floats")
        read = {bottom for layer in self.net.layer for bottom in layer.bottom}
        held = Counter(self._blobs[name] for name in outputs)
        for name in outputs:
            blob = self._blobs[name]
            if blob != name or blob in read or held[blob] > 1:
                self._copy(name, blob)
        return cut_net(self.net, outputs)

    def _copy(self, name: str, blob: str) -> None:
        """Let a Split make the output `name` out of what `blob` holds."""
        if name == blob:
            if any(layer.type == "Input" and blob in layer.top for layer in self.net.layer):
                raise ProtofaceError(f"output '{name}' is an input as well")
            blob = self.fresh(f"{name}/inner")
            for layer in self.net.layer:
                layer.bottom[:] = [blob if bottom == name else bottom for bottom in layer.bottom]
                layer.top[:] = [blob if top == name else top for top in layer.top]
                layer.name = blob if layer.name == name else layer.name
            held = {key: blob for key, value in self._blobs.items() if value == name}
            self._blobs.update(held)
        self.net.layer.add(name=name, type="Split", bottom=[blob], top=[name])


def _fields(name: str, kind: str, options: Options) -> dict[str, Any]:
    return {"name": name, "type": kind, **options}


def read_onnx(path: str | os.PathLike[str]) -> onnx.ModelProto:
    """The model in an .onnx file, with the data of the files that it names beside it.

    Raises ProtofaceError if it is missing, truncated or none.
    """
    model = onnx.ModelProto()
    try:
        model.ParseFromString(read_bytes(path))
        onnx.external_data_helper.load_external_data_for_model(model, str(Path(path).parent))
    except (DecodeError, RecursionError) as error:
        raise ProtofaceError(f"{path}: not an ONNX model, or a truncated one") from error
    except (OSError, ValueError, onnx.checker.ValidationError) as error:
        reason = " ".join(str(error).split())
        raise ProtofaceError(f"{path}: the data beside it cannot be read ({reason})") from error
    if not model.graph.node:
        raise ProtofaceError(f"{path}: holds no ONNX graph")
    return model


def from_onnx(
    model: onnx.ModelProto, source: str, input_shapes: Mapping[str, Shape] | None = None
) -> Net:
    """The Caffe net, with its weights, that computes what an ONNX model computes.

    Blobs bear the names of ONNX values, inputs and outputs included. A size that the model leaves open
    is 1, or as `input_shapes` says ("" is the only input). Raises ProtofaceError naming `source`, node
    and operator for what Caffe cannot express.
    """
    check_strings(model, source)
    try:
        return _converted(model, dict(input_shapes or {}))
    except ProtofaceError as error:
        raise ProtofaceError(f"{source}: {error}") from error


def _converted(model: onnx.ModelProto, input_shapes: dict[str, Shape]) -> Net:
    opset = max((item.version for item in model.opset_import if not item.domain), default=1)
    outputs = [value.name for value in model.graph.output]
    readers = Counter(name for node in model.graph.node for name in node.input)
    readers.update(outputs)
    graph = CaffeGraph(readers)
    for tensor in model.graph.initializer:
        graph.store(tensor.name, _array(tensor))
    entries = [value for value in model.graph.input if value.name not in graph.constants]
    if set(input_shapes) == {ONLY} and len(entries) == 1:
        input_shapes = {entries[0].name: input_shapes[ONLY]}
    missing = set(input_shapes) - {value.name for value in entries}
    if missing:
        raise ProtofaceError(f"has no input {sorted(missing)}; {[value.name for value in entries]}")
    for value in entries:
        graph.input(value.name, input_shapes.get(value.name) or _declared(value))
    for item in model.graph.node:
        _append(graph, OnnxNode(item, opset), item)
    net = graph.finished(outputs)
    net.name = model.graph.name
    return net


def _append(graph: CaffeGraph, node: OnnxNode, item: onnx.NodeProto) -> None:
    known = operators()
    if item.domain not in ("", "ai.onnx") or (node.operator not in known and not folded(graph, node)):
        node.fail(
            f"the operator {item.domain}{'.' if item.domain else ''}{node.operator} has no Caffe layer "
            f"here; known: {', '.join(known)}"
        )
    try:
        if not (graph.constants.keys() & set(node.outputs) or folded(graph, node)):
            known[node.operator](graph, node)
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        if isinstance(error, ProtofaceError):
            raise
        # A valid graph's sizes, axes and attributes fit each other; the fuzzer finds those that do not.
        node.fail(f"its inputs and attributes do not fit each other ({error})")


def _array(tensor: onnx.TensorProto) -> NDArray[Any]:
    try:
        return onnx.numpy_helper.to_array(tensor)
    except (ValueError, TypeError, KeyError, OverflowError) as error:
        raise ProtofaceError(f"tensor '{tensor.name}' is damaged ({error})") from error


def _declared(value: onnx.ValueInfoProto) -> Shape:
    kind = value.type.tensor_type
    if kind.elem_type not in (
        onnx.TensorProto.FLOAT,
        onnx.TensorProto.FLOAT16,
        onnx.TensorProto.DOUBLE,
    ):
        raise ProtofaceError(f"input '{value.name}' does not hold floats")
    if not kind.HasField("shape"):
        raise ProtofaceError(f"input '{value.name}' has no shape; give --input-shape {value.name}=...")
    sizes = tuple(size.dim_value for size in kind.shape.dim)
    if any(size < 1 for size in sizes[1:]):
        raise ProtofaceError(
            f"input '{value.name}' leaves sizes open; give --input-shape {value.name}=..."
        )
    return (max(sizes[0], 1), *sizes[1:]) if sizes else ()
