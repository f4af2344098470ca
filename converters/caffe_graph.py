"""The Caffe net that grows while an ONNX model is read: which blob holds which ONNX value."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import caffe_pb2
from .blobs import Shape, fill_blob
from .errors import ProtofaceError
from .graph import Net
from .layers import make_layer
from .onnx_node import OnnxNode
from .part import cut_net

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
