"""BatchNormalization and LRN."""

from __future__ import annotations

import numpy as np

from ..caffe_graph import CaffeGraph
from ..onnx_node import OnnxNode
from .registration import operator


@operator("BatchNormalization")
def batch_normalization(graph: CaffeGraph, node: OnnxNode) -> None:
    """BatchNorm, and a Scale behind it unless gamma is 1 and beta 0 everywhere."""
    if node.integer("training_mode", 0) or len([name for name in node.outputs if name]) > 1:
        node.fail("training mode cannot be expressed; export the model in its eval() mode")
    gamma, beta, mean, variance = (graph.floats(node, index) for index in range(1, 5))
    plain = (gamma == 1).all() and (beta == 0).all()
    top = graph.layer(
        node,
        "BatchNorm",
        [graph.blob(node)],
        {"batch_norm_param": {"eps": node.number("epsilon", 1e-5)}},
        [mean, variance, np.ones(1, np.float32)],
        inner="" if plain else "normalised",
    )
    if not plain:
        graph.layer(node, "Scale", [top], {"scale_param": {"bias_term": True}}, [gamma, beta])


@operator("LRN")
def lrn(graph: CaffeGraph, node: OnnxNode) -> None:
    """LRN across channels."""
    options = {
        "local_size": node.integer("size", 0),
        "alpha": node.number("alpha", 1e-4),
        "beta": node.number("beta", 0.75),
        "k": node.number("bias", 1.0),
    }
    graph.layer(node, "LRN", [graph.blob(node)], {"lrn_param": options})
