"""`caffe time` on PyTorch: forward and backward, in all and layer by layer."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from protoface.converters import ProtofaceError, filter_net, read_net, read_weights
from protoface.converters.blobs import Shape
from protoface.converters.files import PathLike
from protoface.converters.graph import TRAIN, Net, Node, build_graph
from protoface.converters.layers import layer_types
from protoface.converters.layers.losses import Loss
from protoface.converters.weights import weights_of

from ..data.batches import is_data_layer
from ..data.columns import LayerParameter
from ..net.device import torch_device, torch_dtype
from ..net.fusion import NormScale
from ..net.memory import keep_freed_memory, laid_out
from ..net.parameters import flatten
from ..net.solver_net import SolverNet, solver_net


@dataclass(frozen=True)
class LayerTime:
    """Milliseconds of one layer, or of a chain run as one step; the median over the iterations."""

    layer: str
    type: str
    forward: float
    backward: float


@dataclass(frozen=True)
class TimeResult:
    """Milliseconds a pass over one batch, in all and per layer, medians over the iterations.

    The totals are of passes without the clock's stops between layers: they are below the sums.
    """

    model: str
    batch: int
    iterations: int
    device: str
    dtype: str
    threads: int
    forward: float
    backward: float
    layers: tuple[LayerTime, ...]

    @property
    def pictures_per_second(self) -> float:
        """Pictures that go forward and backward in a second."""
        return 1000 * self.batch / (self.forward + self.backward)

    def to_json(self) -> dict[str, object]:
        """Plain lists and numbers."""
        layers = [dict(vars(layer)) for layer in self.layers]
        return {**vars(self), "layers": layers, "pictures_per_second": self.pictures_per_second}


def time_net(
    model: PathLike,
    weights: PathLike | None = None,
    iterations: int = 50,
    device: str = "cpu",
    dtype: str = "float32",
    batch: int | None = None,
    by_layer: bool = True,
) -> TimeResult:
    """Time forward and backward passes of a net in phase TRAIN, in all and, if asked for, per layer.

    Inputs are random: reading pictures is not part of it, and the net's data need not be there. `batch`
    stands in for the batch size of the file; weights do not change the time of a layer.
    """
    if iterations < 1:
        raise ProtofaceError(f"iterations is {iterations}; it must be at least 1")
    source, place, kind = os.fspath(model), torch_device(device), torch_dtype(dtype)
    keep_freed_memory()
    text = with_batch(filter_net(read_net(model), TRAIN), batch)
    net = solver_net(text, source, data_shapes(text, source), 0, needs_loss=False)
    parameters = flatten(net.to(device=place, dtype=kind), kind, place)
    if weights is not None:
        arrays = weights_of(read_weights(weights), net.graph, os.fspath(weights))
        parameters.load_weights(arrays, net.graph)
    inputs = random_inputs(net, place, kind)
    totals = [_time_pass(net, inputs, place) for _ in range(iterations + WARM_UP)][WARM_UP:]
    forward, backward = np.median(np.array(totals), axis=0).tolist()
    return TimeResult(
        source,
        inputs[0].shape[0],
        iterations,
        str(place),
        dtype,
        torch.get_num_threads(),
        forward,
        backward,
        _layer_times(net, inputs, place, iterations) if by_layer else (),
    )


WARM_UP = 3  # passes before the clock counts: kernels are chosen and memory is asked for


def with_batch(net: Net, batch: int | None) -> Net:
    """A copy of a net whose data and Input layers give `batch` pictures; as it was for None."""
    copy = Net()
    copy.CopyFrom(net)
    for layer in copy.layer:
        if batch is not None and layer.type == "Input":
            for shape in layer.input_param.shape:
                shape.dim[0] = batch
        if batch is not None and layer.type in ("ImageData", "HDF5Data"):
            options = layer.image_data_param if layer.type == "ImageData" else layer.hdf5_data_param
            options.batch_size = batch
    return copy


def data_shapes(net: Net, source: str) -> dict[str, list[Shape]]:
    """Shapes of the tops of ImageData layers without looking at their files.

    Pictures are as `new_height` and `new_width` or `crop_size` say; labels as the losses need them that
    read them. Raises ProtofaceError where the text does not tell.
    """
    found: dict[str, list[Shape]] = {}
    for layer in net.layer:
        if not is_data_layer(layer):
            continue
        options, crop = layer.image_data_param, layer.transform_param.crop_size
        height, width = crop or options.new_height, crop or options.new_width
        if layer.type != "ImageData" or not height or not width:
            raise ProtofaceError(
                f"{source}: layer '{layer.name}' ({layer.type}): the net does not say the size of "
                "its pictures; time the deploy net, or give new_height and new_width"
            )
        picture = (options.batch_size, 3 if options.is_color else 1, height, width)
        labels = [_label_shape(net, source, layer, top, picture) for top in list(layer.top)[1:]]
        found[layer.name] = [picture, *labels]
    return found


def _label_shape(net: Net, source: str, data: LayerParameter, label: str, picture: Shape) -> Shape:
    """The shape that the loss reading `label` needs it to have, out of the net before that loss."""
    before = Net(name=net.name)
    for layer in net.layer:
        if label in layer.bottom:
            break
        before.layer.append(layer)
    else:
        return picture[:1]
    kind = layer_types()[layer.type]
    others = [bottom for bottom in layer.bottom if bottom != label]
    if not issubclass(kind, Loss) or not others:
        raise ProtofaceError(
            f"{source}: the shape of '{label}' behind layer '{layer.name}' is not known"
        )
    shapes = [picture, *[picture[:1]] * (len(data.top) - 1)]
    graph = build_graph(before, source, {data.name: shapes})
    made = {value.blob: value.shape for node in graph.nodes for value in node.tops}
    output = made[others[0]]
    return (*output[:1], *output[2:]) if kind.classes else output


def random_inputs(net: SolverNet, device: torch.device, dtype: torch.dtype) -> list[Tensor]:
    """Values between 0 and 1 for every input of a net, in memory as in training."""
    generator = torch.Generator().manual_seed(0)
    return [
        laid_out(torch.rand(value.shape, generator=generator, dtype=dtype).to(device))
        for value in net.graph.inputs
    ]


def _time_pass(net: SolverNet, inputs: list[Tensor], device: torch.device) -> tuple[float, float]:
    """Milliseconds of a whole forward pass and of a whole backward pass."""
    start = _now(device)
    outputs, loss = net.results(*inputs)
    if not net.weights:  # a net without a loss: its outputs' sum has as long a way back
        loss = torch.stack([output.sum() for output in outputs.values()]).sum()
    middle = _now(device)
    if loss.requires_grad:  # else the net has nothing to learn, and no way back
        loss.backward()  # type: ignore[no-untyped-call]
    return 1000 * (middle - start), 1000 * (_now(device) - middle)


def _time_layers(net: SolverNet, inputs: list[Tensor], device: torch.device) -> list[list[float]]:
    """Milliseconds forward and backward of every step, each between two looks at the clock."""
    values = {value.name: tensor for value, tensor in zip(net.graph.inputs, inputs, strict=True)}
    state = {**dict(net.named_parameters()), **dict(net.named_buffers())}
    times: list[list[float]] = []
    tape: list[tuple[Node, list[Tensor], list[Tensor]]] = []
    for step in _timed(net):
        bottoms = [values[value.name] for value in step.bottoms]
        # leaves of their own: the way back of each layer starts and ends at the layer
        bottoms = [tensor.detach().requires_grad_(tensor.requires_grad) for tensor in bottoms]
        blobs = [state[key] for key in step.keys]
        start = _now(device)
        tops = step.layer.forward(bottoms, blobs, True)
        times.append([1000 * (_now(device) - start)])
        values.update(zip((value.name for value in step.tops), tops, strict=True))
        tape.append((step, bottoms + blobs, tops))
    gradients: dict[str, Tensor] = {}
    for (step, sources, tops), row in zip(reversed(tape), reversed(times), strict=True):
        row.append(_time_back(net, step, sources, tops, gradients, device))
    return times


def _time_back(
    net: SolverNet,
    step: Node,
    sources: list[Tensor],
    tops: list[Tensor],
    gradients: dict[str, Tensor],
    device: torch.device,
) -> float:
    """Milliseconds of one step's way back; adds to `gradients` of its bottoms, by value."""
    ends = [(value.name, top) for value, top in zip(step.tops, tops, strict=True) if top.requires_grad]
    wanted = [tensor for tensor in sources if tensor.requires_grad]
    if not ends or not wanted:
        return 0.0
    given = [
        gradients.get(name, torch.full_like(top, net.weights.get(name, 1.0))) for name, top in ends
    ]
    start = _now(device)
    found = torch.autograd.grad([top for _, top in ends], wanted, given, allow_unused=True)
    elapsed = 1000 * (_now(device) - start)
    by_tensor = {id(tensor): gradient for tensor, gradient in zip(wanted, found, strict=True)}
    for value, tensor in zip(step.bottoms, sources, strict=False):
        gradient = by_tensor.get(id(tensor))
        if gradient is not None:
            gradients[value.name] = gradients.get(value.name, 0) + gradient
    return elapsed


def _timed(net: SolverNet) -> list[Node]:
    return [step for step in net.steps if step.bottoms]


def _layer_times(
    net: SolverNet, inputs: list[Tensor], device: torch.device, iterations: int
) -> tuple[LayerTime, ...]:
    times = [_time_layers(net, inputs, device) for _ in range(iterations + WARM_UP)][WARM_UP:]
    rows = []
    for step, (forward, backward) in zip(_timed(net), np.median(times, axis=0).tolist(), strict=True):
        layers = step.layer.layers if isinstance(step.layer, NormScale) else (step.layer,)
        name = " + ".join(layer.param.name for layer in layers)
        kind = " + ".join(layer.param.type for layer in layers)
        rows.append(LayerTime(name, kind, forward, backward))
    return tuple(rows)


def table(result: TimeResult) -> str:
    """The result as text: a line per layer, slowest last, then the totals."""
    rows = sorted(result.layers, key=lambda row: row.forward + row.backward)
    lines = [f"{'forward':>10} {'backward':>10}  layer (ms a batch of {result.batch})"]
    lines += [f"{row.forward:10.3f} {row.backward:10.3f}  {row.layer} ({row.type})" for row in rows]
    lines.append(f"{result.forward:10.3f} {result.backward:10.3f}  the whole net")
    speed = f"{result.pictures_per_second:.0f} pictures/s, forward and backward"
    place = f"{result.device}, {result.threads} threads, {result.dtype}"
    lines.append(f"{speed} (median of {result.iterations}; {place})")
    return "\n".join(lines)


def _now(device: torch.device) -> float:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()
