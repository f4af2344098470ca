"""An ONNX model as a Caffe net with weights; its operators are those of `operators/`.

The inverse of `onnx_export.py`; what Caffe cannot express is an error that names it.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import onnx
from google.protobuf.message import DecodeError, Message
from numpy.typing import NDArray

from .blobs import Shape
from .caffe_graph import CaffeGraph
from .errors import ProtofaceError
from .files import read_bytes
from .graph import Net
from .onnx_node import OnnxNode
from .operators import operators
from .operators.constants import folded
from .part import ONLY
from .paths import inside
from .strings import check_strings

#: The key under which a tensor names the file that holds its data.
EXTERNAL = b"location"


def read_onnx(path: str | os.PathLike[str]) -> onnx.ModelProto:
    """The model in an .onnx file, with the data of the files that it names beside it.

    Raises ProtofaceError if it is missing, truncated or none.
    """
    content = read_bytes(path)
    model = parse_onnx(content, path)
    try:
        if EXTERNAL in content:
            _check_external(model, Path(path))
        onnx.external_data_helper.load_external_data_for_model(model, str(Path(path).parent))
    except ProtofaceError:
        raise
    except RecursionError as error:
        raise _none(path) from error
    except (OSError, ValueError, onnx.checker.ValidationError) as error:
        reason = " ".join(str(error).split())
        raise ProtofaceError(f"{path}: the data beside it cannot be read ({reason})") from error
    if not model.graph.node:
        raise ProtofaceError(f"{path}: holds no ONNX graph")
    return model


def parse_onnx(content: bytes, path: str | os.PathLike[str]) -> onnx.ModelProto:
    """The model in the content of an .onnx file. Raises ProtofaceError naming `path` if it is none."""
    model = onnx.ModelProto()
    try:
        model.ParseFromString(content)
    except (DecodeError, RecursionError) as error:
        raise _none(path) from error
    return model


def _none(path: str | os.PathLike[str]) -> ProtofaceError:
    return ProtofaceError(f"{path}: not an ONNX model, or a truncated one")


def _check_external(message: Message, path: Path) -> None:
    """Raise ProtofaceError for data in a file outside of the model's folder, links followed."""
    if isinstance(message, onnx.TensorProto):
        where = f"{path}: the data of tensor '{message.name}',"
        for entry in message.external_data:
            if entry.key == EXTERNAL.decode():
                inside(path.parent, str(entry.value), where, remedy="copy it there")
    for field, value in message.ListFields():
        if field.message_type:
            for item in [value] if isinstance(value, Message) else value:
                _check_external(item, path)


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
