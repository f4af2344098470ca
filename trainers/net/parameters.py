"""All blobs of a net in one flat vector, as Caffe's solver sees them.

One vector makes a solver's update, a snapshot or an average over machines a handful of operations,
whatever the number of layers. BatchNorm's statistics are in it too, with lr_mult 0, since Caffe counts
them among the learnable blobs and keeps a history for them.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from protoface.converters import ProtofaceError
from protoface.converters.blobs import Array, Shape
from protoface.converters.denormals import flushed_weights
from protoface.converters.graph import Graph
from protoface.converters.layers.batch_norm import BatchNorm
from protoface.converters.layers.convolution import Convolution
from protoface.converters.layers.inner_product import InnerProduct
from protoface.converters.pytorch import CaffeNet

from . import memory


@dataclass(frozen=True)
class Parameters:
    """Flat vectors over all blobs of a net, in the order of its layers.

    `shapes` maps each key `<layer>.<index>` to the shape of its blob; the blobs stand one behind the
    other, those with four axes in the order of `memory.picture_format`.
    """

    shapes: Mapping[str, Shape]
    values: Tensor
    gradient: Tensor
    lr_mult: Tensor
    decay_mult: Tensor
    channels_last: bool = True

    def arrays(self, flat: Tensor) -> dict[str, Array]:
        """A flat vector cut into numpy arrays of the blobs' own shapes and order, by key."""
        host = flat.detach().cpu()
        return {key: view.numpy().copy("C") for key, view in self.views(host).items()}

    def views(self, flat: Tensor) -> dict[str, Tensor]:
        """A flat vector cut into tensors of the blobs' shapes; they share its memory."""
        views, start = {}, 0
        for key, shape in self.shapes.items():
            stop = start + math.prod(shape)
            views[key] = _view(flat[start:stop], shape, self.channels_last)
            start = stop
        return views

    def load(self, flat: Tensor, arrays: Mapping[str, Array]) -> None:
        """Copy arrays (by key) into a flat vector; keys that are not there keep their values."""
        for key, view in self.views(flat).items():
            if key in arrays:
                # a copy: numpy arrays of a file may be read-only, which PyTorch warns about
                view.copy_(torch.from_numpy(np.array(arrays[key])))

    def load_weights(self, arrays: Mapping[str, Array], graph: Graph) -> None:
        """`load` what a file holds for `graph` into the values.

        In float32 weights too small to matter become zero (`denormals.py`): they would cost time.
        """
        if self.values.dtype != torch.float64:
            arrays = flushed_weights(arrays, graph)
        self.load(self.values, arrays)


def flatten(net: CaffeNet, dtype: torch.dtype, device: torch.device) -> Parameters:
    """Move a net's blobs into one vector of that type on that device; the net then uses views of it."""
    shapes = {key: spec.shape for key, spec in net.graph.blob_specs().items()}
    multipliers = multipliers_of(net.graph)
    count = sum(map(math.prod, shapes.values()))

    def spread(values: list[float]) -> Tensor:
        sizes = torch.tensor([math.prod(shape) for shape in shapes.values()], dtype=torch.int64)
        return torch.tensor(values, dtype=dtype).repeat_interleave(sizes).to(device)

    parameters = Parameters(
        shapes,
        torch.zeros(count, dtype=dtype, device=device),
        torch.zeros(count, dtype=dtype, device=device),
        spread([multipliers[key][0] for key in shapes]),
        spread([multipliers[key][1] for key in shapes]),
        memory.picture_format(device) == torch.channels_last,
    )
    parameters.load(
        parameters.values, {key: blob.detach().cpu().numpy() for key, blob in net.state_dict().items()}
    )
    _bind(net, parameters, multipliers)
    return parameters


def share(net: CaffeNet, parameters: Parameters) -> None:
    """Let a test net use the blobs of the net that is trained, matched by layer as Caffe does.

    Blobs that only the test net has keep their own values.
    """
    specs = net.graph.blob_specs()
    for key, view in parameters.views(parameters.values).items():
        if key in specs:
            if specs[key].shape != parameters.shapes[key]:
                raise ProtofaceError(
                    f"{net.graph.name}: blob {key} is {list(specs[key].shape)} in the test net but "
                    f"{list(parameters.shapes[key])} in the training net"
                )
            net.replace_blob(key, view.data)


def multipliers_of(graph: Graph) -> dict[str, tuple[float, float]]:
    """lr_mult and decay_mult of every blob by key; 1 and 1 where no `param {}` says otherwise.

    A shared blob takes what any of its layers says; two that differ are an error, as in Caffe
    (net.cpp, AppendParam). BatchNorm's statistics are never moved.
    """
    found: dict[str, dict[str, float]] = {}
    for node in graph.nodes:
        for index, (key, spec) in enumerate(zip(node.keys, node.specs, strict=True)):
            own = found.setdefault(key, {})
            if not spec.learned:
                own["lr_mult"] = 0.0
            if index >= len(node.layer.param.param):
                continue
            param = node.layer.param.param[index]
            for name in ("lr_mult", "decay_mult"):
                if param.HasField(name) and own.setdefault(name, getattr(param, name)) != getattr(
                    param, name
                ):
                    node.layer.fail(f"shares blob {key}, whose {name} is {own[name]}, with another one")
    return {key: (own.get("lr_mult", 1.0), own.get("decay_mult", 1.0)) for key, own in found.items()}


def biases_before_batch_norm(graph: Graph) -> set[str]:
    """Keys of biases that a BatchNorm takes out again: their gradient is 0 but for rounding.

    That rounding noise differs between any two machines, and AdaGrad, RMSProp and Adam make whole steps
    of it; with 0 instead they stay where they are, but for their decay.
    """
    readers = Counter(value.name for node in graph.nodes for value in node.bottoms)
    uses = Counter(key for node in graph.nodes for key in node.keys)
    makers = {node.tops[0].name: node for node in graph.nodes if len(node.tops) == 1}
    found = set()
    for node in graph.nodes:
        maker = makers.get(node.bottoms[0].name) if node.bottoms else None
        if (
            isinstance(node.layer, BatchNorm)
            and not node.layer.use_statistics(train=True)
            and maker is not None
            and isinstance(maker.layer, (Convolution, InnerProduct))
            and len(maker.tops[0].shape) in (2, 4)
            and len(maker.keys) == 2
            and readers[maker.tops[0].name] == uses[maker.keys[1]] == 1
        ):
            found.add(maker.keys[1])
    return found


def _bind(
    net: CaffeNet, parameters: Parameters, multipliers: Mapping[str, tuple[float, float]]
) -> None:
    values, gradients = parameters.views(parameters.values), parameters.views(parameters.gradient)
    learned, still = dict(net.named_parameters()), biases_before_batch_norm(net.graph)
    for key, view in values.items():
        # .data: a version counter of its own, since BatchNorm moves its statistics between the
        # forward and the backward pass, which must not look like a change of the other weights.
        blob = view.data
        if key in learned:
            moved = multipliers[key][0] != 0 and key not in still
            blob = nn.Parameter(blob, requires_grad=moved)
            blob.grad = gradients[key].data if blob.requires_grad else None
        net.replace_blob(key, blob)


def _view(flat: Tensor, shape: Shape, channels_last: bool) -> Tensor:
    if len(shape) != 4 or not channels_last:
        return flat.view(shape)
    n, c, h, w = shape
    return flat.view(n, h, w, c).permute(0, 3, 1, 2)
