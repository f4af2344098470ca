"""`caffe test` on PyTorch: the outputs of a net on its TEST data."""

from __future__ import annotations

import os
from dataclasses import dataclass

from protoface.converters import ProtofaceError, filter_net, read_net, read_weights
from protoface.converters.blobs import Array
from protoface.converters.files import PathLike
from protoface.converters.graph import TEST
from protoface.converters.weights import weights_of

from ..net.device import torch_device, torch_dtype
from ..net.memory import keep_freed_memory
from ..net.parameters import flatten
from .solver_file import PhaseNet
from .solver_trainer import mean_outputs, open_phase


@dataclass(frozen=True)
class Scores:
    """Mean of every output blob over `iterations` batches, by name, and the net's weighted loss."""

    iterations: int
    outputs: dict[str, Array]
    loss: float

    def to_json(self) -> dict[str, object]:
        """Plain lists and numbers."""
        outputs = {name: values.tolist() for name, values in self.outputs.items()}
        return {"iterations": self.iterations, "loss": self.loss, "outputs": outputs}


def score(
    model: PathLike,
    weights: PathLike,
    iterations: int,
    device: str = "cpu",
    dtype: str = "float32",
) -> Scores:
    """The TEST phase of a net with its weights over `iterations` batches of its data.

    Raises ProtofaceError naming file and layer; every layer of the net must have its weights.
    """
    if iterations < 1:
        raise ProtofaceError(f"iterations is {iterations}; it must be at least 1")
    source, place = os.fspath(model), torch_device(device)
    keep_freed_memory()
    given = PhaseNet(filter_net(read_net(model), TEST), source)
    phase = open_phase(given, 0, place, torch_dtype(dtype))
    arrays = weights_of(read_weights(weights), phase.net.graph, os.fspath(weights))
    parameters = flatten(phase.net, torch_dtype(dtype), place)
    parameters.load_weights(arrays, phase.net.graph)
    outputs = mean_outputs(phase, iterations)
    by_blob = {value.name: value.blob for value in phase.net.graph.outputs}
    loss = sum(
        float(outputs[by_blob[name]].sum()) * weight
        for name, weight in phase.net.weights.items()
        if name in by_blob
    )
    return Scores(iterations, outputs, loss)
