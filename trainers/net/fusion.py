"""BatchNorm, Scale and ReLU run as one step: a third of the memory traffic of a training pass.

A CPU spends most of a MobileNet's training on moving activations; see docs/training.md for figures.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection

import torch
from torch.nn.functional import relu_

from protoface.converters.graph import Graph, Node
from protoface.converters.layers import Layer
from protoface.converters.layers.batch_norm import BatchNorm
from protoface.converters.layers.relu import ReLU
from protoface.converters.layers.scale import Scale


class NormScale(Layer):
    """BatchNorm, the Scale over channels behind it, and a ReLU behind that, if there is one.

    Blobs: those of BatchNorm, then those of Scale.
    """

    def __init__(self, norm: BatchNorm, scale: Scale, relu: ReLU | None = None) -> None:
        self.norm, self.scale, self.relu = norm, scale, relu
        super().__init__(norm.param, norm.bottoms)

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The layers that this one stands for."""
        return tuple(layer for layer in (self.norm, self.scale, self.relu) if layer)

    def forward(
        self, bottoms: list[torch.Tensor], blobs: list[torch.Tensor], train: bool
    ) -> list[torch.Tensor]:
        """See the class."""
        gamma, *beta = blobs[3:]
        y = self.norm.normalised(bottoms[0], blobs[:3], gamma, beta[0] if beta else None, train)
        # in place: a BatchNorm's gradient needs its bottom, not its top
        return [relu_(y) if self.relu else y]


def fuse(graph: Graph, kept: Collection[str] = ()) -> tuple[Node, ...]:
    """The graph's nodes, chains of BatchNorm, Scale (and ReLU) merged into one node of the same blobs.

    Only where no other layer reads what the chain passes along, nor is it an output of the net or
    among the names of values in `kept`.
    """
    readers = Counter(value.name for node in graph.nodes for value in node.bottoms)
    readers.update(value.name for value in graph.outputs)
    readers.update(kept)
    steps: list[Node] = []
    makers: dict[str, int] = {}  # value read once only -> the step that makes it
    for node in graph.nodes:
        at = makers.get(node.bottoms[0].name) if len(node.bottoms) == 1 else None
        merged = None if at is None else _merged(steps[at], node)
        if at is not None and merged is not None:
            steps[at] = merged
        else:
            at = len(steps)
            steps.append(node)
        makers.update({top.name: at for top in node.tops if readers[top.name] == 1})
    return tuple(steps)


def _merged(first: Node, second: Node) -> Node | None:
    """The two nodes as one, or None where they cannot be merged."""
    layer = _merged_layer(first.layer, second.layer)
    if layer is None:
        return None
    return Node(layer, first.bottoms, second.tops, first.specs + second.specs, first.keys + second.keys)


def _merged_layer(first: Layer, second: Layer) -> NormScale | None:
    if isinstance(first, BatchNorm) and isinstance(second, Scale):
        channels = first.bottoms[0][1:2]
        over_channels = second.shape == channels and len(channels) == 1
        from_axis_1 = len(second.broadcast) == len(first.bottoms[0]) - 1
        alone = len(second.bottoms) == 1
        return NormScale(first, second) if over_channels and from_axis_1 and alone else None
    if isinstance(first, NormScale) and not first.relu and isinstance(second, ReLU):
        plain = not second.param.relu_param.negative_slope
        return NormScale(first.norm, first.scale, second) if plain else None
    return None
