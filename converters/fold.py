"""BatchNorm and Scale merged into the layer before them: fewer layers, the same function."""

from __future__ import annotations

from collections import Counter

import numpy as np

from . import caffe_pb2
from .blobs import Array, blob_view, fill_blob
from .graph import Graph, Net, Node, build_graph, deployed
from .layers.batch_norm import BatchNorm, statistics
from .layers.inner_product import InnerProduct
from .layers.scale import Scale
from .messages import without
from .weights import blobs_of

Blobs = dict[str, caffe_pb2.BlobProto]

FOLDABLE = ("Convolution", "ConvolutionDepthwise", "InnerProduct")


def fold_batch_norm(net: Net, source: str, graph: Graph | None = None) -> Net:
    """The TEST phase of a net with weights, every BatchNorm and Scale folded into its producer.

    A layer is folded into the Convolution, ConvolutionDepthwise or InnerProduct whose result it alone
    reads (found by blob, not by position) if that one's blobs are not shared and its outputs are its
    second axis. Others stay as they are.
    Computed in float64, stored in the weights' own type. `source` names the net in errors; `graph` is
    that of `net`, if it is there and the net is deployed already.
    """
    if graph is None:
        net = deployed(net)
        graph = build_graph(net, source)
    blobs = blobs_of(net, graph, source)
    uses = Counter(key for node in graph.nodes for key in node.keys)
    readers = Counter(value.name for node in graph.nodes for value in node.bottoms)
    producers: dict[str, Node] = {}  # name of a value -> the layer it can be folded into
    folded: dict[str, tuple[Array, Array]] = {}  # that layer's name -> factor and offset by now
    renamed: dict[str, str] = {}  # layer to remove -> the layer that takes over its top
    for node in graph.nodes:
        if node.layer.param.type in FOLDABLE:
            if all(uses[key] == 1 for key in node.keys) and _outputs_on_axis_1(node):
                producers[node.tops[0].name] = node
            continue
        if not node.bottoms or readers[node.bottoms[0].name] != 1:
            continue
        producer = producers.get(node.bottoms[0].name)
        affine = _affine(node, blobs) if producer is not None else None
        if producer is None or affine is None or node.bottoms[0] in graph.outputs:
            continue
        before, bias = folded.get(producer.name) or (np.ones(()), _bias(producer, blobs))
        factor, offset = affine
        folded[producer.name] = (before * factor, bias * factor + offset)
        renamed[node.name] = producer.name
        producers[node.tops[0].name] = producer
    return _rewritten(net, graph, blobs, folded, renamed)


def _outputs_on_axis_1(node: Node) -> bool:
    """Whether the channels that a BatchNorm behind the layer sees are its rows of weights."""
    if isinstance(node.layer, InnerProduct):
        return node.layer.start == 1
    return len(node.tops) == 1


def _affine(node: Node, blobs: Blobs) -> tuple[Array, Array] | None:
    """Factor and offset per channel (C,) of a BatchNorm or of a Scale over channels, else None."""
    layer = node.layer
    if isinstance(layer, BatchNorm) and layer.use_statistics(train=False):
        mean, variance = statistics(_arrays(node, blobs))
        factor = 1 / np.sqrt(variance + layer.param.batch_norm_param.eps)
        return factor, -mean * factor
    if isinstance(layer, Scale) and len(layer.bottoms) == 1:
        trailing = len(layer.bottoms[0]) - 2
        channels = layer.bottoms[0][1:2]
        if layer.shape == channels and layer.broadcast == (*channels, *(1,) * trailing):
            factor, *bias = _arrays(node, blobs)
            return factor, bias[0] if bias else np.zeros_like(factor)
    return None


def _arrays(node: Node, blobs: Blobs) -> list[Array]:
    """A layer's blobs in float64."""
    pairs = zip(node.keys, node.specs, strict=True)
    return [blob_view(blobs[key], key).reshape(spec.shape).astype(np.float64) for key, spec in pairs]


def _bias(node: Node, blobs: Blobs) -> Array:
    """A layer's bias in float64; zeros where there is none."""
    if len(node.keys) == 1:
        return np.zeros(node.tops[0].shape[1])
    return blob_view(blobs[node.keys[1]], node.keys[1]).reshape(-1).astype(np.float64)


def _transposed(node: Node) -> bool:
    param = node.layer.param
    return param.type == "InnerProduct" and param.inner_product_param.transpose


def _rewritten(
    net: Net,
    graph: Graph,
    blobs: Blobs,
    folded: dict[str, tuple[Array, Array]],
    renamed: dict[str, str],
) -> Net:
    """The net without the folded layers; a producer writes the blob that the last of them wrote."""
    tops = {renamed[node.name]: node.tops[0].blob for node in graph.nodes if node.name in renamed}
    result = without(net, "layer")
    for layer, node in zip(net.layer, graph.nodes, strict=True):
        if layer.name in renamed:
            continue
        if layer.name not in folded:
            result.layer.append(layer)
            continue
        copy = result.layer.add()
        copy.CopyFrom(without(layer, "blobs"))
        copy.top[0] = tops[layer.name]
        for array in _multiplied(node, blobs, *folded[layer.name]):
            fill_blob(copy.blobs.add(), array)
        name = "inner_product_param" if layer.type == "InnerProduct" else "convolution_param"
        getattr(copy, name).bias_term = True
    return result


def _multiplied(node: Node, blobs: Blobs, factor: Array, bias: Array) -> tuple[Array, Array]:
    """Weight times factor, and the bias, in the weight's own type."""
    weight = blob_view(blobs[node.keys[0]], node.keys[0]).reshape(node.specs[0].shape)
    out_axis = 1 if _transposed(node) else 0
    shape = [-1 if axis == out_axis else 1 for axis in range(weight.ndim)]
    product = np.empty_like(weight)  # written to directly: a float64 copy would be twice its size
    np.multiply(weight, factor.reshape(shape), product, dtype=np.float64, casting="same_kind")
    return product, bias.astype(weight.dtype)
