"""The Caffe nets of a cascade: read within limits, and made ready to run.

A module of its own: Caffe's layers and formats take longer to import than all the rest of a cascade.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from protoface.converters.conversion import load_net
from protoface.converters.errors import ProtofaceError
from protoface.converters.graph import Graph, Net, deployed
from protoface.converters.net_text import read_net
from protoface.converters.paths import discreet, lies_in

from . import cascade_pb2

#: Of one layer for one picture: 256 MB; VGG-16 makes 3 million.
MOST_VALUES = 1 << 26


def load_caffe(net: Path, folder: Path, weights: Path) -> Net:
    """A net of a cascade in `folder`, with its weights. Raises ProtofaceError naming the file."""
    if not lies_in(folder, net):
        _read(net, folder)  # first, and alone: errors of the weights may be told
    return load_net(net, weights, check=partial(_check_values, source=str(net)))


def _check_values(graph: Graph, source: str) -> None:
    """Raise ProtofaceError for a net whose layers would take all memory with one picture."""
    for node in graph.nodes:
        count = sum(math.prod(value.shape[1:]) for value in node.tops)
        if count > MOST_VALUES:
            raise ProtofaceError(
                f"{source}: layer '{node.name}' makes {count:,} values of one picture; at most "
                f"{MOST_VALUES:,} are computed"
            )


def empty_nets(stages: Sequence[cascade_pb2.StageParameter], folder: Path) -> list[Net]:
    """The net of each stage of a cascade in `folder`, without weights."""
    return [deployed(_read(folder / stage.net, folder)) for stage in stages]


def _read(net: Path, folder: Path) -> Net:
    with discreet(net, [folder], "a net"):
        return read_net(net)
