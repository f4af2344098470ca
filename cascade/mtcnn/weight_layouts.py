"""MTCNN's weights in three layouts: protoface's, Caffe's det1 to det3, facenet-pytorch's.

All three hold the same numbers in another order, so every way there and back is exact.
Caffe's nets see x and y exchanged. facenet-pytorch's convolutions are upright, but it flattens a map
as x, y, channel before the first fully connected layer, where we flatten channel, y, x as Caffe does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from protoface import prototxt
from protoface.converters import deployed, read_net
from protoface.converters.blobs import Array, to_blob
from protoface.converters.graph import Net, build_graph
from protoface.converters.weights import weights_of

#: Where the nets and their cascade are.
FOLDER = Path(prototxt.__path__[0]) / "mtcnn"
#: The nets, in the order of the stages.
NETS = ("pnet", "rnet", "onet")
#: Rows and columns of the map that the first fully connected layer flattens.
MAP = 3


@dataclass(frozen=True)
class WeightLayout:
    """How a library names and orders the weights.

    `files` are its names for the three files. `layers`: net -> our layer -> its name. `turn` and
    `unturn` carry a blob of a convolution (4 axes) or of the first fully connected layer
    (out, channels * 9) to ours and back.
    """

    name: str
    files: tuple[str, str, str]
    layers: Mapping[str, Mapping[str, str]]
    turn: Callable[[Array], Array]
    unturn: Callable[[Array], Array]


def _plain(blob: Array) -> Array:
    return blob


def _exchange(blob: Array) -> Array:
    """X and y exchanged, of kernels and of the map before the first fully connected layer."""
    maps = blob if blob.ndim == 4 else blob.reshape(len(blob), -1, MAP, MAP)
    return maps.swapaxes(2, 3).reshape(blob.shape)


def _channels_first(blob: Array) -> Array:
    """Columns x, y, channel as channel, y, x."""
    if blob.ndim == 4:
        return blob
    return blob.reshape(len(blob), MAP, MAP, -1).transpose(0, 3, 2, 1).reshape(blob.shape)


def _channels_last(blob: Array) -> Array:
    if blob.ndim == 4:
        return blob
    return blob.reshape(len(blob), -1, MAP, MAP).transpose(0, 3, 2, 1).reshape(blob.shape)


def _names(prelu: str, full: str, heads: str) -> dict[str, str]:
    """Our layers -> another library's, of all nets; {0} stands for the number of the layer."""
    convs = {f"conv{number}": f"conv{number}" for number in range(1, 5)}
    prelus = {f"prelu{number}": prelu.format(number) for number in range(1, 6)}
    fulls = {f"fc{number}": full.format(number) for number in (4, 5)}
    found = {head: heads.format(number) for number, head in enumerate(("logits", "box", "points"), 1)}
    return {**convs, **prelus, **fulls, **found}


OURS = {layer: layer for layer in _names("", "", "")}
PROTOFACE = WeightLayout(
    "protoface",
    ("pnet.caffemodel", "rnet.caffemodel", "onet.caffemodel"),
    dict.fromkeys(NETS, OURS),
    _plain,
    _plain,
)
CAFFE = WeightLayout(
    "caffe",
    ("det1.caffemodel", "det2.caffemodel", "det3.caffemodel"),
    {
        "pnet": _names("PReLU{0}", "conv{0}", "conv4-{0}"),
        "rnet": _names("prelu{0}", "conv{0}", "conv5-{0}"),
        "onet": _names("prelu{0}", "conv{0}", "conv6-{0}"),
    },
    _exchange,
    _exchange,
)
FACENET = WeightLayout(
    "facenet",
    ("pnet.pt", "rnet.pt", "onet.pt"),
    {
        "pnet": _names("prelu{0}", "dense{0}", "conv4_{0}"),
        "rnet": _names("prelu{0}", "dense{0}", "dense5_{0}"),
        "onet": _names("prelu{0}", "dense{0}", "dense6_{0}"),
    },
    _channels_first,
    _channels_last,
)
LAYOUTS = {layout.name: layout for layout in (PROTOFACE, CAFFE, FACENET)}


@cache
def net_of(name: str) -> Net:
    """The net `pnet`, `rnet` or `onet` without weights."""
    return deployed(read_net(FOLDER / name / "deploy.prototxt"))


def recognise(layers: set[str]) -> tuple[str, WeightLayout] | None:
    """Which net has weights in layers of these names, and in which layout; None for another net.

    Caffe's names of activations are compared in small letters, as files in use differ in them.
    """
    lower = {layer.lower() for layer in layers}
    for layout in LAYOUTS.values():
        for name in reversed(NETS):  # the largest first: its layers are the fewest nets'
            if {layer.lower() for layer in named(name, layout).values()} <= lower:
                return name, layout
    return None


def named(name: str, layout: WeightLayout) -> dict[str, str]:
    """Our layers with weights, in order -> their names in a layout."""
    return {layer: layout.layers[name][layer] for layer in _kinds(name)}


def _kinds(name: str) -> dict[str, str]:
    """The layers of a net that have weights, in order -> their types."""
    graph = build_graph(net_of(name), name)
    return {node.name: node.layer.param.type for node in graph.nodes if node.keys}


def to_ours(name: str, layout: WeightLayout, weights: Net, source: str) -> Net:
    """Weights of a net in a layout as a net of named layers with blobs, in ours.

    Layers that the net does not use (conv5-3 of det2) keep their name and place behind it, so that
    nothing is lost on the way back. Raises ProtofaceError naming `source` and layer.
    """
    names = named(name, layout)
    theirs = Net()
    theirs.CopyFrom(weights)
    used = {layer.lower(): layer for layer in names.values()}
    for given in theirs.layer:
        given.name = used.get(given.name.lower(), given.name)
    arrays = weights_of(theirs, build_graph(_renamed(name, names), source), source)
    ours = Net(name=name)
    for layer, kind in _kinds(name).items():
        _add(ours, (layer, kind), names[layer], arrays, layout.turn)
    ours.layer.extend(
        given for given in theirs.layer if given.blobs and given.name not in used.values()
    )
    return ours


def from_ours(name: str, layout: WeightLayout, weights: Net, source: str) -> Net:
    """The way back. Raises ProtofaceError naming `source` and layer."""
    names = named(name, layout)
    arrays = weights_of(weights, build_graph(net_of(name), source), source)
    theirs = Net(name=name)
    for layer, kind in _kinds(name).items():
        _add(theirs, (names[layer], kind), layer, arrays, layout.unturn)
    theirs.layer.extend(layer for layer in weights.layer if layer.blobs and layer.name not in names)
    return theirs


def _renamed(name: str, names: Mapping[str, str]) -> Net:
    net = Net()
    net.CopyFrom(net_of(name))
    for layer in net.layer:
        layer.name = names.get(layer.name, layer.name)
    return net


def _add(
    net: Net,
    layer: tuple[str, str],
    source: str,
    arrays: Mapping[str, Array],
    turn: Callable[[Array], Array],
) -> None:
    """Add a layer (name, type) with the blobs of `source`; what looks at a map is turned."""
    blobs = [arrays[key] for key in (f"{source}.0", f"{source}.1") if key in arrays]
    first = turn(blobs[0]) if _looks(blobs[0]) else blobs[0]
    name, kind = layer
    net.layer.add(name=name, type=kind, blobs=[to_blob(blob) for blob in (first, *blobs[1:])])


def _looks(blob: Array) -> bool:
    """Whether it is the weight of a convolution, or of the first fully connected layer."""
    return blob.ndim == 4 or (blob.ndim == 2 and blob.shape[1] % (MAP * MAP) == 0)
