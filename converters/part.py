"""Which part of a net is converted, and for which input sizes."""

from __future__ import annotations

import itertools
import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from . import caffe_pb2
from .blobs import Shape
from .errors import ProtofaceError
from .graph import Net, deployed, filter_net
from .layers import layer_types
from .layers.data import Data
from .messages import without

#: The name that stands for a net's only input, where `--input-shape` gives none.
ONLY = ""


@dataclass(frozen=True)
class Part:
    """What is taken of a net: all of it in the TEST phase, at its own sizes, unless more is said.

    `input_shapes`: blob -> shape; it replaces an Input's shape and turns a data layer's top into an
    input. The blob "" is the net's only input. `output_blobs`: only what these need is kept. `level`
    and `stages` are Caffe's state for include and exclude rules.
    """

    input_shapes: Mapping[str, Shape] = field(default_factory=dict)
    output_blobs: Sequence[str] = ()
    level: int = 0
    stages: Sequence[str] = ()


WHOLE = Part()


def take_part(net: Net, part: Part, source: str | os.PathLike[str], with_losses: bool = False) -> Net:
    """The layers of a net that `part` asks for, without data and loss layers unless `with_losses`.

    Raises ProtofaceError naming `source` for a blob that the net does not have, and for an output blob
    that the layers of another one read.
    """
    try:
        choose = filter_net if with_losses else deployed
        taken = _with_names(choose(net, level=part.level, stages=part.stages))
        if part.output_blobs:
            taken = cut_net(taken, part.output_blobs)
        return with_input_shapes(taken, part.input_shapes) if part.input_shapes else taken
    except ProtofaceError as error:
        raise ProtofaceError(f"{os.fspath(source)}: {error}") from error


def _with_names(net: Net) -> Net:
    """A net in which no two layers have one name: the second `relu` is `relu_1`, as in OpenCV 4.

    Caffe takes such a net too, and gives the weights of that name to the first of them.
    """
    taken = {layer.name for layer in net.layer}
    if len(taken) == len(net.layer):
        return net
    named, met = without(net, "layer"), Counter[str]()
    for layer in net.layer:
        named.layer.append(layer)
        if layer.name in met:
            free = (f"{layer.name}_{number}" for number in itertools.count(met[layer.name]))
            named.layer[-1].name = next(name for name in free if name not in taken)
            taken.add(named.layer[-1].name)
        met[layer.name] += 1
    return named


def cut_net(net: Net, blobs: Sequence[str]) -> Net:
    """The layers that `blobs` need, each blob as it is after its last layer.

    They must become the outputs, so none may be read by a layer that another one needs; what else those
    layers make is silenced.
    """
    made = {top for layer in net.layer for top in layer.top}
    for blob in blobs:
        if blob not in made:
            raise ProtofaceError(f"has no blob '{blob}'; there are {', '.join(sorted(made))}")
    needed, kept = set(blobs), []
    for layer in reversed(net.layer):
        if needed & set(layer.top):
            needed -= set(layer.top)
            needed |= set(layer.bottom)
            kept.append(layer)
    unread = _unread(reversed(kept))
    for blob in blobs:
        if blob not in unread:
            raise ProtofaceError(f"output blob '{blob}' is read on the way to another; leave it out")
    if len(kept) == len(net.layer) and unread == set(blobs):
        return net
    cut = without(net, "layer")
    cut.layer.extend(reversed(kept))
    made_here = {top for layer in kept if layer.bottom for top in layer.top}
    spare = sorted(unread & made_here - set(blobs))
    if spare:  # other tops of layers that are needed
        cut.layer.add(name=f"unread {spare[0]}", type="Silence", bottom=spare, phase=caffe_pb2.TEST)
    return cut


def _unread(layers: Iterable[caffe_pb2.LayerParameter]) -> set[str]:
    unread: set[str] = set()
    for layer in layers:
        unread -= set(layer.bottom)
        unread |= set(layer.top)
    return unread


def with_input_shapes(net: Net, shapes: Mapping[str, Shape]) -> Net:
    """A copy of a deployed net whose inputs have these shapes; its data layers become inputs.

    A blob that is read but never made (`input` without a shape, in old files) becomes an input too.
    """
    entries = [layer for layer in net.layer if _is_entry(layer)]
    inputs = [top for layer in entries for top in layer.top]
    unmade = [blob for blob in _unmade(net) if blob not in inputs]
    if set(shapes) == {ONLY}:
        if len(inputs + unmade) != 1:
            raise ProtofaceError(f"has the inputs {', '.join(inputs + unmade)}: name the one meant")
        shapes = {(inputs + unmade)[0]: shapes[ONLY]}
    for blob in shapes:
        if blob not in inputs + unmade:
            raise ProtofaceError(f"has no input '{blob}'; there are {', '.join(inputs + unmade)}")
    shaped = without(net, "layer")
    for blob in unmade:
        if blob in shapes:
            _add_input(shaped, blob, [blob], [shapes[blob]])
    for layer in net.layer:
        if _is_entry(layer) and set(layer.top) & set(shapes):
            _add_shaped(shaped, layer, shapes)
        else:
            shaped.layer.append(layer)
    return shaped


def _is_entry(layer: caffe_pb2.LayerParameter) -> bool:
    kind = layer_types().get(layer.type)
    return layer.type == "Input" or (not layer.bottom and kind is not None and issubclass(kind, Data))


def _unmade(net: Net) -> list[str]:
    """Blobs that are read before any layer makes them, each once, in the order of the layers."""
    made: set[str] = set()
    unmade: list[str] = []
    for layer in net.layer:
        unmade.extend(blob for blob in layer.bottom if blob not in made and blob not in unmade)
        made |= set(layer.top)
    return unmade


def _add_shaped(net: Net, layer: caffe_pb2.LayerParameter, shapes: Mapping[str, Shape]) -> None:
    if layer.type != "Input":  # of a data layer only the tops that were asked for; labels go
        tops = [top for top in layer.top if top in shapes]
        return _add_input(net, layer.name, tops, [shapes[top] for top in tops])
    declared = [tuple(shape.dim) for shape in layer.input_param.shape]
    if len(declared) == 1:  # one shape for all tops
        declared *= len(layer.top)
    elif not declared:
        declared = [()] * len(layer.top)
    sizes = [shapes.get(top, shape) for top, shape in zip(layer.top, declared, strict=False)]
    return _add_input(net, layer.name, layer.top, sizes)


def _add_input(net: Net, name: str, tops: Sequence[str], shapes: Sequence[Shape]) -> None:
    layer = net.layer.add(name=name, type="Input", top=tops, phase=caffe_pb2.TEST)
    for shape in shapes:
        layer.input_param.shape.add(dim=shape)
