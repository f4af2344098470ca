"""What a solver minimises, and which weights it starts from."""

from __future__ import annotations

import pytest

from protoface.converters import ProtofaceError, filter_net
from protoface.converters.fillers import fill
from protoface.converters.graph import TRAIN, Net, build_graph
from protoface.converters.prototxt import parse_message
from protoface.trainers.net.solver_net import loss_weights, matching_weights, solver_net

TEXT = """
name: "two"
layer { name: "x" type: "Input" top: "x" top: "t" input_param { shape { dim: [2, 3] } } }
layer { name: "fc" type: "InnerProduct" bottom: "x" top: "fc" inner_product_param { num_output: 3
  weight_filler { type: "xavier" } } }
layer { name: "a" type: "EuclideanLoss" bottom: "fc" bottom: "t" top: "a" }
layer { name: "b" type: "SmoothL1Loss" bottom: "fc" bottom: "t" top: "b" loss_weight: 3 }
"""


def net(text: str = TEXT) -> Net:
    return filter_net(parse_message(text, Net(), "net"), TRAIN)


def test_losses_weigh_1_unless_told_otherwise() -> None:
    assert loss_weights(build_graph(net(), "net")) == {"a": 1, "b": 3}
    silent = TEXT.replace("loss_weight: 3", "loss_weight: 0")
    assert loss_weights(build_graph(net(silent), "net")) == {"a": 1}


def test_any_layers_top_can_be_a_loss() -> None:
    text = TEXT.replace('top: "fc" inner', 'top: "fc" loss_weight: 0.5 inner')
    assert loss_weights(build_graph(net(text), "net")) == {"fc": 0.5, "a": 1, "b": 3}


def test_a_net_without_loss() -> None:
    text = TEXT[: TEXT.index('layer { name: "a"')]
    with pytest.raises(ProtofaceError, match="net: has no loss to minimise"):
        solver_net(net(text), "net", {}, 1)


def test_weights_by_name() -> None:
    graph = build_graph(net(), "net")
    arrays, missing = matching_weights(fill(net(), 1), graph, "w")
    assert (list(arrays), missing) == (["fc.0", "fc.1"], [])


def test_weights_of_another_net() -> None:
    other = fill(net(TEXT.replace('"fc"', '"other"')), 1)
    with pytest.raises(ProtofaceError, match="w: has weights for none of the layers of 'two'"):
        matching_weights(other, build_graph(net(), "net"), "w")
    wide = fill(net(TEXT.replace("[2, 3]", "[2, 5]").replace("num_output: 3", "num_output: 5")), 1)
    with pytest.raises(ProtofaceError, match=r"w: layer 'fc', blob 0: shape \[5, 5\].*\[3, 3\]"):
        matching_weights(wide, build_graph(net(), "net"), "w")
