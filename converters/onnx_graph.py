"""An ONNX graph while it grows: what a layer's `onnx` method appends to."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper

from .blobs import Array


class OnnxGraph:
    """The growing graph that a layer's `onnx` method appends to.

    `values` are the names of the net's own values, which nothing else may bear; `outputs` those of them
    that must be there at the end. `any_size`: heights and widths may be others than declared. `opset`
    is the version of the operators, where a layer's depend on it.
    """

    def __init__(
        self, values: Iterable[str], outputs: Iterable[str], any_size: bool = False, opset: int = 17
    ) -> None:
        self.any_size, self.opset = any_size, opset
        #: The model: its constants stand here from the start, nothing large is copied later.
        self.model = onnx.ModelProto(producer_name="protoface")
        self.nodes: list[onnx.NodeProto] = []
        #: Shapes of outputs, where they are not those of `Value`; see `declare`.
        self.declared: dict[str, list[int | str]] = {}
        #: Inputs of a net that has constants as well (a Parameter's top): see `Concat`.
        self.beside_constants: set[str] = set()
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

    def has_groups(self, value: str, operator: str) -> bool:
        """Whether an operator of that type with groups has made a value."""
        return any(
            node.op_type == operator and any(a.name == "group" and a.i > 1 for a in node.attribute)
            for node in self.nodes
            if value in node.output
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

    def least(self, source: str, axis: int, name: str) -> str:
        """Append the least along an axis, which stays as one, and return its output, called `name`."""
        if self.opset < 18:  # from there on the axes are an input
            return self.apply("ReduceMin", [source], name, {"axes": [axis], "keepdims": 1})
        axes = self.constant(f"{name}/axes", np.array([axis]))
        return self.apply("ReduceMin", [source, axes], name, {"keepdims": 1})

    def pad(
        self, source: str, before: Sequence[int], behind: Sequence[int], value: float, name: str
    ) -> str:
        """Append a Pad of the last two axes of N x C x H x W and return its output, called `name`."""
        target = self.fresh(name)
        amounts = self.constant(f"{target}/amounts", np.array([0, 0, *before, 0, 0, *behind]))
        constant = self.constant(f"{target}/value", np.array(value, np.float32))
        self.node("Pad", [source, amounts, constant], [target], {"mode": "constant"})
        return target
