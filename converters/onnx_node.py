"""One node of an ONNX graph, its attributes read and checked."""

from __future__ import annotations

from typing import Any, NoReturn

import onnx

from .errors import ProtofaceError


class OnnxNode:
    """One ONNX node with its attributes read; optional inputs that are absent are ""."""

    def __init__(self, node: onnx.NodeProto, opset: int) -> None:
        self.operator = node.op_type
        self.name = node.name or ", ".join(node.output)
        self.inputs = list(node.input)
        self.outputs = list(node.output)
        self.opset = opset
        self._attributes = {item.name: item for item in node.attribute}

    def attribute(self, name: str, default: Any = None) -> Any:
        """An attribute's value (numbers, lists, tensors; text as str), or the default."""
        if name not in self._attributes:
            return default
        try:
            value = onnx.helper.get_attribute_value(self._attributes[name])
            return value.decode() if isinstance(value, bytes) else value
        except ValueError as error:
            self.fail(f"attribute '{name}' cannot be read ({error})")

    def integer(self, name: str, default: int) -> int:
        """An attribute that must be one whole number."""
        value = self.attribute(name, default)
        if not isinstance(value, int):
            self.fail(f"attribute '{name}' is not a whole number")
        return value

    def number(self, name: str, default: float) -> float:
        """An attribute that must be one number."""
        value = self.attribute(name, default)
        if not isinstance(value, int | float):
            self.fail(f"attribute '{name}' is not a number")
        return float(value)

    def integers(self, name: str) -> list[int] | None:
        """An attribute that must be a list of whole numbers; None if it is absent."""
        value = self.attribute(name)
        if value is None:
            return None
        if not isinstance(value, list) or not all(isinstance(item, int) for item in value):
            self.fail(f"attribute '{name}' is not a list of whole numbers")
        return value

    def input(self, index: int) -> str:
        """The name of an input that must be there."""
        if index >= len(self.inputs) or not self.inputs[index]:
            self.fail(f"has no input {index}")
        return self.inputs[index]

    def has_input(self, index: int) -> bool:
        """Whether an optional input is given."""
        return index < len(self.inputs) and bool(self.inputs[index])

    @property
    def output(self) -> str:
        """The first output's name."""
        if not self.outputs or not self.outputs[0]:
            self.fail("has no output")
        return self.outputs[0]

    def fail(self, message: str) -> NoReturn:
        """Raise ProtofaceError with this node's name and operator in front."""
        raise ProtofaceError(f"node '{self.name}' ({self.operator}): {message}")
