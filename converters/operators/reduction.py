"""Means and sums over axes, and the place of the largest value."""

from __future__ import annotations

import numpy as np

from ..caffe_graph import CaffeGraph
from ..onnx_node import OnnxNode
from .registration import operator

#: ONNX's reductions that are Caffe's.
REDUCTIONS = {"ReduceMean": "MEAN", "ReduceSum": "SUM", "ReduceL1": "ASUM", "ReduceSumSquare": "SUMSQ"}


@operator(*REDUCTIONS)
def reduce(graph: CaffeGraph, node: OnnxNode) -> None:
    """Global AVE pooling for the mean of H and W, else Reduction of all trailing axes."""
    shape, rank = graph.shape(node), len(graph.shape(node))
    given = graph.integers(node, 1) if node.has_input(1) else node.integers("axes")
    axes = sorted(axis % max(rank, 1) for axis in given) if given else list(range(rank))
    kept = bool(node.integer("keepdims", 1))
    if node.operator == "ReduceMean" and rank == 4 and axes == [2, 3]:
        options = {"pool": "AVE", "global_pooling": True}
        inner = "" if kept else "mean"
        top = graph.layer(node, "Pooling", [graph.blob(node)], {"pooling_param": options}, inner=inner)
        if not kept:
            graph.layer(node, "Flatten", [top])
        return
    if node.operator in ("ReduceMean", "ReduceSum") and rank == 4 and axes == [1]:
        _channels(graph, node, kept)
        return
    if not axes or axes != list(range(axes[0], rank)):
        node.fail(f"axes {axes} of {list(shape)}: Caffe reduces all trailing axes only")
    inner = "reduced" if kept else ""
    options = {"operation": REDUCTIONS[node.operator], "axis": axes[0]}
    top = graph.layer(node, "Reduction", [graph.blob(node)], {"reduction_param": options}, inner=inner)
    if kept:
        dims = [-1, *shape[1 : axes[0]], *(1 for _ in axes)][-rank:]
        graph.layer(node, "Reshape", [top], {"reshape_param": {"shape": {"dim": dims}}})


def _channels(graph: CaffeGraph, node: OnnxNode, kept: bool) -> None:
    """Sum or mean over the channels: a Convolution of one pixel and one output."""
    count = graph.shape(node)[1]
    graph.spend(node, count)
    weight = np.full((1, count, 1, 1), 1 / count if node.operator == "ReduceMean" else 1, np.float32)
    options = {"convolution_param": {"num_output": 1, "kernel_size": [1], "bias_term": False}}
    inner = "" if kept else "sum"
    top = graph.layer(node, "Convolution", [graph.blob(node)], options, [weight], inner=inner)
    if not kept:
        graph.layer(node, "Flatten", [top], {"flatten_param": {"axis": 1, "end_axis": 2}})
