"""Which sizes of a net follow the batch, and whether it may have another one than declared."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

from .ends import Value
from .errors import ProtofaceError
from .graph import Graph, Net, build_graph
from .part import with_input_shapes
from .weights import without_weights

BATCH = "N"
#: A value's name -> its shape; text and None are open sizes.
OpenShapes = dict[str, Sequence[int | str | None]]
MANY_INPUTS = 5  # with so many it is not tried out which of them have a batch axis


def open_shapes(net: Net, graph: Graph, source: str) -> OpenShapes:
    """Every value's shape for any batch; empty where another one than declared would be wrong.

    `graph` is that of `net`. Found out by one more of every input, or of some: others may have no batch
    axis.
    """
    bare = without_weights(net)
    inputs = [value for value in graph.inputs if value.shape]
    least = 1 if len(inputs) < MANY_INPUTS else len(inputs)
    for count in range(len(inputs), least - 1, -1):
        for chosen in combinations(inputs, count):
            shapes = _grown(bare, graph, chosen, source)
            if shapes:
                return shapes
    return {}


def _grown(net: Net, graph: Graph, inputs: Sequence[Value], source: str) -> OpenShapes:
    """Every value's shape, open where it grows if `inputs` hold one more picture.

    Empty if that is an error, changes a weight's shape, or a layer takes more and gives as much as
    before: that one works along the batch.
    """
    batch = inputs[0].shape[0]
    if any(value.shape[0] != batch for value in inputs):
        return {}
    try:
        larger = {value.blob: (batch + 1, *value.shape[1:]) for value in inputs}
        other = build_graph(with_input_shapes(net, larger), source)
    except ProtofaceError:
        return {}
    shapes: OpenShapes = {}
    growing: set[str] = set()
    for node, twin in zip(graph.nodes, other.nodes, strict=True):
        if node.layer.fixed or [a.shape for a in node.specs] != [b.shape for b in twin.specs]:
            return {}
        reads = node.layer.batched and any(value.name in growing for value in node.bottoms)
        for value, grown in zip(node.tops, twin.tops, strict=True):
            if grown.shape != value.shape:
                growing.add(value.name)
            elif reads:
                return {}
            sizes = zip(value.shape, grown.shape, strict=True)
            shapes[value.name] = [
                a if a == b else BATCH if (a, b) == (batch, batch + 1) else None for a, b in sizes
            ]
    return shapes
