"""The nets of a solver as PyTorch modules: one to train, whose result is the loss, and some to test."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from protoface.converters import ProtofaceError
from protoface.converters.blobs import Array, Shape
from protoface.converters.fillers import fill_graph
from protoface.converters.graph import TRAIN, Graph, Net, build_graph
from protoface.converters.layers.losses import Loss
from protoface.converters.pytorch import CaffeNet
from protoface.converters.weights import weights_of

from .fusion import fuse


class SolverNet(CaffeNet):
    """A net of a solver, in phase TRAIN or TEST.

    `forward(*inputs)` returns the loss that Caffe minimises: the sum of all tops with a `loss_weight`,
    each times its weight. `results(*inputs)` returns the output blobs and that loss.
    """

    def __init__(self, graph: Graph, train: bool) -> None:
        super().__init__(graph)
        self.weights = loss_weights(graph)
        self.steps = fuse(graph, self.weights)
        self._blobs: dict[str, Tensor] = {}
        self.train(train)

    def forward(self, *inputs: Tensor) -> Tensor:
        """The loss, a single number."""
        return self._loss(self._run(inputs, self.steps))

    def results(self, *inputs: Tensor) -> tuple[dict[str, Tensor], Tensor]:
        """The output blobs by name, and the loss."""
        values = self._run(inputs, self.steps)
        outputs = {value.blob: values[value.name] for value in self.graph.outputs}
        return outputs, self._loss(values)

    def replace_blob(self, key: str, blob: Tensor) -> None:
        """See CaffeNet."""
        super().replace_blob(key, blob)
        self._blobs = {}

    def _loss(self, values: Mapping[str, Tensor]) -> Tensor:
        terms = [values[name].sum() * weight for name, weight in self.weights.items()]
        return torch.stack(terms).sum() if terms else torch.zeros(())

    def _state(self) -> dict[str, Tensor]:
        # kept: collecting a hundred blobs from as many modules takes as long as a small layer
        if not self._blobs:
            self._blobs = super()._state()
        return self._blobs


def loss_weights(graph: Graph) -> dict[str, float]:
    """Name of a value -> its weight in the loss: given by `loss_weight`, or 1 for a loss's first top.

    Source: Caffe, include/caffe/layer.hpp, SetLossWeights, and loss_layer.cpp.
    """
    weights: dict[str, float] = {}
    for node in graph.nodes:
        given = list(node.layer.param.loss_weight)
        if not given and isinstance(node.layer, Loss):
            given = [node.layer.default_weight]
        if len(given) > len(node.tops):
            node.layer.fail(f"gives {len(given)} loss_weight for {len(node.tops)} tops")
        pairs = zip(node.tops, given, strict=False)
        weights.update({top.name: weight for top, weight in pairs if weight})
    return weights


def solver_net(
    net: Net,
    source: str,
    shapes: Mapping[str, Sequence[Shape]],
    seed: int,
    needs_loss: bool = True,
) -> SolverNet:
    """A net (one phase) with its first values from its fillers.

    `shapes` gives the tops of the data layers by name. Raises ProtofaceError naming `source`; in phase
    TRAIN also for a net without a loss or without weights, if it `needs_loss`.
    """
    graph = build_graph(net, source, shapes)
    train = any(layer.phase == TRAIN for layer in net.layer)
    try:
        for node in graph.nodes:
            if isinstance(node.layer, Loss):
                node.layer.check_trainable()
            if not all(node.layer.param.propagate_down):
                node.layer.fail("propagate_down: false is not supported; set lr_mult to 0 before it")
        module = SolverNet(graph, train)
        if train and needs_loss and not module.weights:
            raise ProtofaceError("has no loss to minimise")
        if train and needs_loss and not any(spec.learned for spec in graph.blob_specs().values()):
            raise ProtofaceError("has no layer with weights to train")
    except ProtofaceError as error:
        raise ProtofaceError(f"{source}: {error}") from error
    filled = fill_graph(graph, seed)
    module.load_state_dict({key: torch.from_numpy(array) for key, array in filled.items()})
    return module


def matching_weights(weights: Net, graph: Graph, source: str) -> tuple[dict[str, Array], list[str]]:
    """Arrays for the layers that `weights` has by name, and the names of those that it lacks.

    For training on from other weights: like Caffe, a layer that the file lacks keeps what its filler
    gave it. A blob of another shape is an error, and so is a file that has none of the layers that need
    weights.
    """
    present = {layer.name for layer in weights.layer if layer.blobs}
    learned = [node for node in graph.nodes if node.specs]
    matched = tuple(node for node in learned if node.name in present)
    if learned and not matched:
        raise ProtofaceError(f"{source}: has weights for none of the layers of {graph.name!r}")
    arrays = weights_of(weights, Graph(graph.name, matched, (), ()), source)
    return arrays, [node.name for node in learned if node not in matched]
