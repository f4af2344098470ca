"""Gather: rows of a table, and some of a value's places."""

from __future__ import annotations

from ..caffe_graph import CaffeGraph
from ..onnx_node import OnnxNode
from .registration import operator
from .shape import part, reshaped


@operator("Gather")
def gather(graph: CaffeGraph, node: OnnxNode) -> None:
    """Embed for rows of a constant table; Slice for places that follow each other."""
    if graph.is_constant(node, 0):
        _embed(graph, node)
        return
    shape, places = graph.shape(node), graph.integers(node, 1)
    axis = node.integer("axis", 0) % max(len(shape), 1)
    first = places[0] % shape[axis] if places else 0
    if [place % shape[axis] for place in places] != list(range(first, first + len(places))):
        node.fail(f"its places on axis {axis} do not follow each other, as those of Caffe's Slice do")
    blob, last = graph.blob(node), first + len(places)
    whole = graph.constant(node, 1).ndim == 1
    if (first, last) != (0, shape[axis]):
        blob = part(graph, node, blob, axis, first, last, "" if whole else "slice")
    target = (*shape[:axis], *([len(places)] if whole else []), *shape[axis + 1 :])
    if blob != node.output:
        reshaped(graph, node, blob, target)


def _embed(graph: CaffeGraph, node: OnnxNode) -> None:
    table = graph.floats(node, 0)
    if table.ndim != 2 or node.integer("axis", 0) != 0:
        node.fail(f"takes no rows of a matrix: axis {node.integer('axis', 0)} of {list(table.shape)}")
    options = {"input_dim": table.shape[0], "num_output": table.shape[1], "bias_term": False}
    graph.layer(node, "Embed", [graph.numbers(node, 1)], {"embed_param": options}, [table])
