"""Gemm and MatMul: fully connected layers."""

from __future__ import annotations

import numpy as np

from ..caffe_graph import CaffeGraph
from ..onnx_node import OnnxNode
from .registration import operator


@operator("Gemm")
def gemm(graph: CaffeGraph, node: OnnxNode) -> None:
    """InnerProduct; alpha and beta go into its weights."""
    if node.integer("transA", 0):
        node.fail("transA cannot be expressed in Caffe")
    weight = graph.floats(node, 1) * np.float32(node.number("alpha", 1.0))
    if weight.ndim != 2 or len(graph.shape(node)) != 2:
        node.fail("takes matrices only")
    weight = weight if node.integer("transB", 0) else weight.T
    blobs = [weight]
    if node.has_input(2):
        bias = graph.floats(node, 2) * np.float32(node.number("beta", 1.0))
        if bias.size not in (1, weight.shape[0]):
            node.fail(f"its bias {list(bias.shape)} is not one number per output")
        blobs.append(np.broadcast_to(bias.reshape(-1), (weight.shape[0],)))
    options = {"num_output": weight.shape[0], "bias_term": len(blobs) > 1}
    graph.layer(node, "InnerProduct", [graph.blob(node)], {"inner_product_param": options}, blobs)


@operator("MatMul")
def matmul(graph: CaffeGraph, node: OnnxNode) -> None:
    """InnerProduct along the last axis; an Add behind it becomes its bias."""
    weight, rank = graph.floats(node, 1), len(graph.shape(node))
    if weight.ndim != 2 or rank < 2:
        node.fail("only a value times a constant matrix can be expressed in Caffe")
    options = {"num_output": weight.shape[1], "bias_term": False, "axis": rank - 1}
    graph.layer(node, "InnerProduct", [graph.blob(node)], {"inner_product_param": options}, [weight.T])
