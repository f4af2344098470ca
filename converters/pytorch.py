"""A net as a PyTorch module, built from the NetParameter; its layers are those of `layers/`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import nn

from .blobs import Array, Shape
from .denormals import TINY, weights_in
from .errors import ProtofaceError
from .graph import TRAIN, Graph, Net, Node, build_graph
from .weights import weights_of, with_arrays


class CaffeNet(nn.Module):
    """A net that computes what Caffe computes, in its own phase's text.

    `forward(*inputs)` takes the net's inputs in order (`net.inputs` names them; any batch size) and
    returns its output, or a tuple of them in the order of `net.outputs`. `state_dict` has the keys
    `<layer>.<blob index>` and Caffe's shapes; learned blobs are parameters, BatchNorm's statistics
    buffers. `net.train()` and `net.eval()` are Caffe's phases TRAIN and TEST.
    """

    def __init__(self, graph: Graph) -> None:
        super().__init__()
        self.graph = graph
        #: What `forward` runs: the graph's nodes, or fewer that do the same (`trainers.fusion`).
        self.steps = graph.nodes
        self.inputs = [value.blob for value in graph.inputs]
        self.outputs = [value.blob for value in graph.outputs]
        for key, spec in graph.blob_specs().items():
            layer, _, index = key.rpartition(".")
            if key.startswith("."):
                raise ProtofaceError(f"layer '{layer}': PyTorch has no place for this name; rename it")
            owner = self._owner(layer)
            blob = torch.zeros(spec.shape)
            # not register_parameter: it refuses "0" where a layer "conv" stands beside a "conv.0"
            if spec.learned:
                owner._parameters[index] = nn.Parameter(blob)
            else:
                owner._buffers[index] = blob

    def _owner(self, layer: str) -> nn.Module:
        """The module that holds a layer's blobs; a name with dots becomes modules within modules."""
        owner: nn.Module = self
        for part in layer.split("."):
            # not add_module: it refuses names that nn.Module has as attributes ("type", "float")
            owner = owner._modules.setdefault(part, nn.Module()) or owner
        return owner

    def blobs(self, *inputs: torch.Tensor) -> dict[str, torch.Tensor]:
        """Every blob of one forward pass by its Caffe name, as it is after its last layer."""
        values = self._run(inputs, self.graph.nodes)
        return {value.blob: values[value.name] for node in self.graph.nodes for value in node.tops}

    def forward(self, *inputs: torch.Tensor) -> torch.Tensor | tuple[torch.Tensor, ...]:
        """See the class."""
        values = self._run(inputs, self.steps)
        outputs = tuple(values[value.name] for value in self.graph.outputs)
        return outputs[0] if len(outputs) == 1 else outputs

    def _run(self, inputs: Sequence[torch.Tensor], nodes: Sequence[Node]) -> dict[str, torch.Tensor]:
        if len(inputs) != len(self.inputs):
            raise ProtofaceError(f"{self.graph.name}: takes {self.inputs}, got {len(inputs)} inputs")
        values = {value.name: tensor for value, tensor in zip(self.graph.inputs, inputs, strict=True)}
        state = self._state()
        for node in nodes:
            if not node.layer.fed:
                bottoms = [values[value.name] for value in node.bottoms]
                blobs = [state[key] for key in node.keys]
                tops = node.layer.forward(bottoms, blobs, self.training)
                values.update(zip((value.name for value in node.tops), tops, strict=True))
        return values

    def replace_blob(self, key: str, blob: torch.Tensor) -> None:
        """Let the net use `blob` under a key `<layer>.<index>`; an nn.Parameter stays a parameter."""
        layer, _, index = key.rpartition(".")
        owner = self._owner(layer)
        for kind in (owner._parameters, owner._buffers):
            kind.pop(index, None)
        if isinstance(blob, nn.Parameter):
            owner.register_parameter(index, blob)
        else:
            owner.register_buffer(index, blob)

    def _state(self) -> dict[str, torch.Tensor]:
        return {**dict(self.named_parameters()), **dict(self.named_buffers())}


def to_pytorch(
    net: Net, source: str, data_shapes: Mapping[str, Sequence[Shape]] | None = None
) -> CaffeNet:
    """A module of a net (one phase), with the weights that the net holds, if it holds any.

    In TRAIN phase text (`filter_net(net, TRAIN)`) it starts in training mode, else in `eval()` mode.
    `data_shapes` gives the tops' shapes of data layers by name. Raises ProtofaceError naming `source`.
    """
    graph = build_graph(net, source, data_shapes)
    module = CaffeNet(graph)
    if any(layer.blobs for layer in net.layer):
        arrays = weights_of(net, graph, source)
        if any(array.dtype == "float64" for array in arrays.values()):
            module = module.double()
        load_arrays(module, arrays)
    return module.train(any(layer.phase == TRAIN for layer in net.layer if layer.HasField("phase")))


def flush_weights(module: CaffeNet) -> CaffeNet:
    """Set weights too small to matter to zero in a module that is to compute (`denormals.py`)."""
    state, weights = module.state_dict(), weights_in(module.graph)
    for key in weights & state.keys():
        state[key][state[key].abs() < TINY] = 0
    return module


def load_arrays(module: CaffeNet, arrays: Mapping[str, Array]) -> None:
    """Copy arrays (`<layer>.<index>`) into the module, in the module's own type."""
    state = {key: torch.from_numpy(array.copy()) for key, array in arrays.items()}
    module.load_state_dict(state)


def from_pytorch(module: CaffeNet, net: Net) -> Net:
    """A copy of `net`, from which `module` was built, holding the module's weights as they are now."""
    state = {key: tensor.detach().cpu().numpy() for key, tensor in module.state_dict().items()}
    return with_arrays(net, module.graph, state)
