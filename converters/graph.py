"""From a NetParameter to a checked graph: phases, shapes, who makes and who reads each value.

Every conversion starts here. A Caffe blob may be overwritten in place; here each layer's result is a
value of its own.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from . import caffe_pb2
from .blobs import Shape
from .ends import Value
from .errors import ProtofaceError
from .layers import BlobSpec, Layer, layer_types, make_layer
from .layers.data import Data, Input
from .layers.parameter import Parameter
from .limits import LARGEST_BLOB, MOST_PARAMETERS
from .messages import without

TRAIN, TEST = caffe_pb2.TRAIN, caffe_pb2.TEST
Net = caffe_pb2.NetParameter


@dataclass(frozen=True)
class Node:
    """A layer with the values that it reads and makes, and the blobs (weights) that it uses.

    `keys[i]` is `<owner>.<index>` of its i-th blob; the owner is another layer where `param { name }`
    shares it.
    """

    layer: Layer
    bottoms: tuple[Value, ...]
    tops: tuple[Value, ...]
    specs: tuple[BlobSpec, ...]
    keys: tuple[str, ...]

    @property
    def name(self) -> str:
        """The layer's name."""
        return self.layer.param.name


@dataclass(frozen=True)
class Graph:
    """A net in the order of its layers. `inputs` are fed, `outputs` are what no layer reads."""

    name: str
    nodes: tuple[Node, ...]
    inputs: tuple[Value, ...]
    outputs: tuple[Value, ...]

    def blob_specs(self) -> dict[str, BlobSpec]:
        """Key `<layer>.<index>` -> the blob there, each shared blob once, at its owner."""
        specs: dict[str, BlobSpec] = {}
        for node in self.nodes:
            for key, spec in zip(node.keys, node.specs, strict=True):
                specs.setdefault(key, spec)
        return specs

    def multiply_adds(self) -> int:
        """Multiply-adds of one forward pass at the declared batch size."""
        return sum(node.layer.multiply_adds() for node in self.nodes)


def filter_net(
    net: Net, phase: caffe_pb2.Phase = TEST, level: int = 0, stages: Sequence[str] = ()
) -> Net:
    """The layers of one phase, by their `include` and `exclude` rules; each gets the phase written in.

    Source: Caffe, src/caffe/net.cpp, FilterNet and StateMeetsRule.
    """

    def met(rule: caffe_pb2.NetStateRule) -> bool:
        return (
            (not rule.HasField("phase") or rule.phase == phase)
            and (not rule.HasField("min_level") or level >= rule.min_level)
            and (not rule.HasField("max_level") or level <= rule.max_level)
            and set(rule.stage) <= set(stages)
            and not set(rule.not_stage) & set(stages)
        )

    filtered = without(net, "layer")
    for layer in net.layer:
        if layer.include and layer.exclude:
            raise ProtofaceError(f"layer '{layer.name}': has both include and exclude rules")
        kept = any(map(met, layer.include)) if layer.include else not any(map(met, layer.exclude))
        if kept:
            filtered.layer.append(layer)
            filtered.layer[-1].phase = phase
    return filtered


def deployed(net: Net, level: int = 0, stages: Sequence[str] = ()) -> Net:
    """The TEST phase without losses, and without the data layers that only they read.

    This is where data and loss layers are left out, deliberately; any other layer stays and must be
    known to the converters. The rules of `include` and `exclude` are met by then and go. A net that
    has nothing of all that is returned itself, not a copy.
    """
    types = layer_types()
    rules = any(layer.include or layer.exclude for layer in net.layer)
    if not rules and not any(types.get(layer.type, Layer).left_out for layer in net.layer):
        return net
    layers = [
        layer
        for layer in filter_net(net, TEST, level, stages).layer
        if not (layer.type in types and types[layer.type].left_out and layer.bottom)
    ]
    read = {bottom for layer in layers for bottom in layer.bottom}
    left = without(net, "layer")
    left.layer.extend(
        layer
        for layer in layers
        if layer.bottom or not types.get(layer.type, Layer).left_out or read & set(layer.top)
    )
    for layer in left.layer:
        layer.ClearField("include")
        layer.ClearField("exclude")
    return left


def build_graph(
    net: Net, source: str, data_shapes: Mapping[str, Sequence[Shape]] | None = None
) -> Graph:
    """Check a net (already filtered to one phase) and work out its shapes.

    `source` names the file in errors; `data_shapes` gives the tops' shapes of data layers by name.
    Raises ProtofaceError naming the layer: unknown type, unknown bottom, a top made twice, shapes that
    do not fit.
    """
    names = _value_names(net)
    owners: dict[str, tuple[str, BlobSpec]] = {}
    current: dict[str, Value] = {}
    unread: dict[str, Value] = {}
    nodes: list[Node] = []
    parameters = 0
    for name, count in Counter(layer.name for layer in net.layer).items():
        if count > 1:
            raise ProtofaceError(f"{source}: {count} layers are named '{name}'; rename them")
    for index, param in enumerate(net.layer):
        for bottom in param.bottom:
            if bottom not in current:
                raise ProtofaceError(
                    f"{source}: layer '{param.name}' reads '{bottom}', which no layer before it makes"
                )
        bottoms = tuple(current[bottom] for bottom in param.bottom)
        layer = _make(param, bottoms, source, data_shapes or {})
        try:
            shapes, specs = layer.tops(), layer.blobs()
            parameters += _checked_size(layer, shapes, specs, parameters)
            if len(shapes) != len(param.top):
                layer.fail(f"has {len(param.top)} tops, expected {len(shapes)}")
            keys = _blob_keys(layer, specs, owners)
        except ProtofaceError as error:
            raise ProtofaceError(f"{source}: {error}") from error
        for position, top in enumerate(param.top):
            in_place = param.bottom[position : position + 1] == [top]
            if top in param.top[:position] or (top in current and not in_place):
                raise ProtofaceError(f"{source}: layer '{param.name}' makes '{top}' a second time")
        tops = tuple(map(Value, names[index], param.top, shapes))
        for bottom in param.bottom:
            unread.pop(bottom, None)
        for value in tops:
            current[value.blob] = unread[value.blob] = value
        nodes.append(Node(layer, bottoms, tops, tuple(specs), keys))
    inputs = tuple(top for node in nodes if node.layer.fed for top in node.tops)
    return Graph(net.name, tuple(nodes), inputs, tuple(unread.values()))


def _checked_size(layer: Layer, shapes: Sequence[Shape], specs: Sequence[BlobSpec], before: int) -> int:
    """How many values the blobs of a layer have; `before` those of the layers before it.

    Raises ProtofaceError for what would take all memory.
    """
    for shape in shapes:
        if math.prod(shape) > LARGEST_BLOB:
            layer.fail(f"makes {list(shape)}, more than Caffe holds in a blob")
    own = sum(math.prod(spec.shape) for spec in specs)
    if before + own > MOST_PARAMETERS:
        layer.fail(
            f"has {own:,} parameters, with the layers before it {before + own:,}; a net has at most "
            f"{MOST_PARAMETERS:,}"
        )
    return own


def _value_names(net: Net) -> list[list[str]]:
    """For every layer the names of the values that it makes; see `Value`."""
    fed = {top for layer in net.layer if not layer.bottom for top in layer.top}
    last_writer = {top: index for index, layer in enumerate(net.layer) for top in layer.top}
    taken = set(last_writer)
    names: list[list[str]] = []
    for index, layer in enumerate(net.layer):
        names.append([])
        for top in layer.top:
            name = top
            if layer.bottom and (top in fed or last_writer[top] != index):
                name = f"{top}/by/{layer.name}"
                while name in taken:
                    name += "'"
            taken.add(name)
            names[-1].append(name)
    return names


def _make(
    param: caffe_pb2.LayerParameter,
    bottoms: tuple[Value, ...],
    source: str,
    data_shapes: Mapping[str, Sequence[Shape]],
) -> Layer:
    layer = make_layer(param, [value.shape for value in bottoms], source)
    if isinstance(layer, Data):
        layer.shapes = data_shapes.get(param.name)
    elif not bottoms and not isinstance(layer, (Input, Parameter)):
        raise ProtofaceError(f"{source}: layer '{param.name}' ({param.type}) has no bottom")
    return layer


def _blob_keys(
    layer: Layer, specs: list[BlobSpec], owners: dict[str, tuple[str, BlobSpec]]
) -> tuple[str, ...]:
    """`<owner>.<index>` of each blob. Source: Caffe, net.cpp, AppendParam."""
    keys = []
    for index, spec in enumerate(specs):
        key = f"{layer.param.name}.{index}"
        given = layer.param.param[index] if index < len(layer.param.param) else None
        if given is not None and given.name:
            key, owned = owners.setdefault(given.name, (key, spec))
            if owned.shape != spec.shape:
                layer.fail(
                    f"shares '{given.name}' of shape {list(owned.shape)} but needs {list(spec.shape)}"
                )
        keys.append(key)
    return tuple(keys)


def insert_splits(net: Net) -> Net:
    """Caffe's automatic Split layers: a blob read n times gets n names.

    Source: Caffe, src/caffe/util/insert_splits.cpp.
    """
    made_by: dict[str, tuple[int, int]] = {}
    source_of: dict[tuple[int, int], tuple[int, int]] = {}
    readers: Counter[tuple[int, int]] = Counter()
    loss_of: dict[tuple[int, int], float] = {}
    for i, layer in enumerate(net.layer):
        for j, bottom in enumerate(layer.bottom):
            source_of[i, j] = made_by[bottom]
            readers[made_by[bottom]] += 1
        made_by.update({top: (i, j) for j, top in enumerate(layer.top)})
        for top, weight in zip(layer.top, layer.loss_weight, strict=False):
            if weight:  # a top that is a loss counts as read once more
                loss_of[made_by[top]] = weight
                readers[made_by[top]] += 1
    split = Net()
    split.CopyFrom(net)
    split.ClearField("layer")
    used: Counter[tuple[int, int]] = Counter()
    for i, layer in enumerate(net.layer):
        split.layer.append(layer)
        copy = split.layer[-1]
        for j, bottom in enumerate(layer.bottom):
            origin = source_of[i, j]
            if readers[origin] > 1:
                owner = net.layer[origin[0]].name
                copy.bottom[j] = f"{_split_name(owner, bottom, origin[1])}_{used[origin]}"
                used[origin] += 1
        for j, top in enumerate(layer.top):
            if readers[i, j] > 1:
                name = _split_name(layer.name, top, j)
                added = split.layer.add(name=name, type="Split", bottom=[top])
                added.top.extend(f"{name}_{k}" for k in range(readers[i, j]))
                if layer.HasField("phase"):
                    added.phase = layer.phase
                if (i, j) in loss_of:  # the first copy is the loss
                    copy.ClearField("loss_weight")
                    added.loss_weight.append(loss_of[i, j])
                    used[i, j] += 1
    return split


def _split_name(layer: str, blob: str, index: int) -> str:
    return f"{blob}_{layer}_{index}_split"
