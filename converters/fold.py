"""BatchNorm and Scale merged into the layer before them: fewer layers, the same function."""

from __future__ import annotations

from collections import Counter

import numpy as np

from .blobs import Array, to_blob
from .graph import Graph, Net, Node, build_graph, deployed
from .layers.batch_norm import BatchNorm, statistics
from .layers.inner_product import InnerProduct
from .layers.scale import Scale
from .weights import weights_of

FOLDABLE = ("Convolution", "ConvolutionDepthwise", "InnerProduct")


def fold_batch_norm(net: Net, source: str) -> Net:
    """The TEST phase of a net with weights, every BatchNorm and Scale folded into its producer.

    A layer is folded into the Convolution, ConvolutionDepthwise or InnerProduct whose result it alone
    reads (found by blob, not by position) if that one's blobs are not shared and its outputs are its
    second axis. Others stay as they are.
    Computed in float64, stored in the weights' own type. `source` names the net in errors.
    """
    net = deployed(net)
    graph = build_graph(net, source)
    weights = weights_of(net, graph, source)
    uses = Counter(key for node in graph.nodes for key in node.keys)
    readers = Counter(value.name for node in graph.nodes for value in node.bottoms)
    producers: dict[str, Node] = {}  # name of a value -> the layer it can be folded into
    folded: dict[str, tuple[Array, Array]] = {}  # that layer's name -> its weight and bias by now
    renamed: dict[str, str] = {}  # layer to remove -> the layer that takes over its top
    for node in graph.nodes:
        if node.layer.param.type in FOLDABLE:
            if all(uses[key] == 1 for key in node.keys) and _outputs_on_axis_1(node):
                producers[node.tops[0].name] = node
            continue
        if not node.bottoms or readers[node.bottoms[0].name] != 1:
            continue
        producer = producers.get(node.bottoms[0].name)
        affine = _affine(node, weights) if producer is not None else None
        if producer is None or affine is None or node.bottoms[0] in graph.outputs:
            continue
        weight, bias = folded.get(producer.name) or _parameters(producer, weights)
        factor, offset = (np.asarray(part, np.float64) for part in affine)
        out_axis = 1 if _transposed(producer) else 0
        shape = [-1 if axis == out_axis else 1 for axis in range(weight.ndim)]
        folded[producer.name] = (weight * factor.reshape(shape), bias * factor + offset)
        renamed[node.name] = producer.name
        producers[node.tops[0].name] = producer
    return _rewritten(net, graph, folded, renamed)


def _outputs_on_axis_1(node: Node) -> bool:
    """Whether the channels that a BatchNorm behind the layer sees are its rows of weights."""
    if isinstance(node.layer, InnerProduct):
        return node.layer.start == 1
    return len(node.tops) == 1


def _affine(node: Node, weights: dict[str, Array]) -> tuple[Array, Array] | None:
    """Factor and offset per channel (C,) of a BatchNorm or of a Scale over channels, else None."""
    layer, blobs = node.layer, [weights[key].astype(np.float64) for key in node.keys]
    if isinstance(layer, BatchNorm) and layer.use_statistics(train=False):
        mean, variance = statistics(blobs)
        factor = 1 / np.sqrt(variance + layer.param.batch_norm_param.eps)
        return factor, -mean * factor
    if isinstance(layer, Scale) and len(layer.bottoms) == 1:
        trailing = len(layer.bottoms[0]) - 2
        channels = layer.bottoms[0][1:2]
        if layer.shape == channels and layer.broadcast == (*channels, *(1,) * trailing):
            return blobs[0], blobs[1] if len(blobs) > 1 else np.zeros_like(blobs[0])
    return None


def _parameters(node: Node, weights: dict[str, Array]) -> tuple[Array, Array]:
    """Weight and bias in float64; zeros where there is no bias."""
    arrays = [weights[key].astype(np.float64) for key in node.keys]
    outputs = node.tops[0].shape[1]
    return arrays[0], arrays[1] if len(arrays) > 1 else np.zeros(outputs)


def _transposed(node: Node) -> bool:
    param = node.layer.param
    return param.type == "InnerProduct" and param.inner_product_param.transpose


def _rewritten(
    net: Net, graph: Graph, folded: dict[str, tuple[Array, Array]], renamed: dict[str, str]
) -> Net:
    """The net without the folded layers; a producer writes the blob that the last of them wrote."""
    tops = {renamed[node.name]: node.tops[0].blob for node in graph.nodes if node.name in renamed}
    result = Net()
    result.CopyFrom(net)
    result.ClearField("layer")
    for layer in net.layer:
        if layer.name in renamed:
            continue
        result.layer.append(layer)
        if layer.name in folded:
            copy = result.layer[-1]
            copy.top[0] = tops[layer.name]
            copy.ClearField("blobs")
            double = bool(layer.blobs[0].double_data)
            kind = np.float64 if double else np.float32
            copy.blobs.extend(to_blob(array.astype(kind)) for array in folded[layer.name])
            name = "inner_product_param" if layer.type == "InnerProduct" else "convolution_param"
            getattr(copy, name).bias_term = True
    return result
