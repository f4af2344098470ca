"""Convolutions of whole blocks of channels, for ONNX Runtime.

It computes convolutions in a layout of blocks of 16 channels (8 without AVX512). What pools or goes on
with another number of channels falls back to the usual layout, which costs more than the convolution.
Channels of zeros fill the last block: they change no number.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping

import numpy as np
import onnx
from onnx import numpy_helper

#: Channels of a block.
BLOCK = 16
#: Below so many channels more than half of a block would be zeros.
LEAST = 8
#: Operators that compute each channel by itself, and make zeros of zeros.
BETWEEN = ("PRelu", "Relu", "MaxPool", "AveragePool")

Nodes = list[onnx.NodeProto]


def in_blocks(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model with channels of zeros where a Conv is followed by others, possibly through BETWEEN.

    Where there is nothing to fill it is the model itself.
    """
    filled = onnx.ModelProto()
    filled.CopyFrom(model)
    graph = filled.graph
    readers, constants = _readers(graph), {tensor.name: tensor for tensor in graph.initializer}
    done = False
    for conv in graph.node:
        channels = _channels(conv, constants)
        more = -channels % BLOCK
        if not more or channels < LEAST or conv.output[0] not in readers:
            continue
        chain = list(_chain(conv, readers))
        if all(_takes(node, constants) for node in chain):
            _fill(conv, chain, constants, graph, more)
            done = True
    return filled if done else model


def _readers(graph: onnx.GraphProto) -> dict[str, Nodes]:
    """What reads each value; an output of the model is no value that may change."""
    readers: dict[str, Nodes] = defaultdict(list)
    for node in graph.node:
        for name in dict.fromkeys(node.input):
            readers[name].append(node)
    for value in graph.output:
        readers[value.name].append(onnx.NodeProto(op_type="output"))
    return dict(readers)


def _channels(node: onnx.NodeProto, constants: Mapping[str, onnx.TensorProto]) -> int:
    """Channels that a Conv of constants makes of all channels; 0 of another node."""
    held = [constants.get(name) for name in node.input[1:]]
    groups = next((one.i for one in node.attribute if one.name == "group"), 1)
    if node.op_type != "Conv" or groups != 1 or None in held or len(held[0].dims) != 4:  # type: ignore[union-attr]
        return 0
    return held[0].dims[0] if held[0].data_type == onnx.TensorProto.FLOAT else 0  # type: ignore[union-attr]


def _chain(conv: onnx.NodeProto, readers: Mapping[str, Nodes]) -> Iterator[onnx.NodeProto]:
    """All that its channels reach: through nodes between, up to those that are none."""
    for node in readers.get(conv.output[0], []):
        yield node
        if node.op_type in BETWEEN:
            yield from _chain(node, readers)


def _takes(node: onnx.NodeProto, constants: Mapping[str, onnx.TensorProto]) -> bool:
    """Whether a node may be given more channels."""
    if node.op_type == "PRelu":
        return node.input[1] in constants
    return node.op_type in BETWEEN or _channels(node, constants) > 0


def _fill(
    conv: onnx.NodeProto,
    chain: Nodes,
    constants: dict[str, onnx.TensorProto],
    graph: onnx.GraphProto,
    more: int,
) -> None:
    """Let a Conv make `more` channels of zeros, and what follows take them."""
    wider = [(conv, place, 0) for place in range(1, len(conv.input))]
    wider += [(node, 1, 0) for node in chain if node.op_type == "PRelu"]
    wider += [(node, 1, 1) for node in chain if node.op_type == "Conv"]
    for node, place, axis in wider:
        array = numpy_helper.to_array(constants[node.input[place]])
        if array.ndim <= axis or (node.op_type == "PRelu" and array.shape[0] == 1):
            continue  # one slope for all channels
        width = [(0, more if one == axis else 0) for one in range(array.ndim)]
        name = f"{node.output[0]}/filled{place}.{axis}"
        constants[name] = numpy_helper.from_array(np.pad(array, width), name)
        graph.initializer.append(constants[name])
        node.input[place] = name
