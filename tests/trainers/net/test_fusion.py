"""Chains of BatchNorm, Scale and ReLU: the same values and gradients as layer by layer."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from protoface.converters import filter_net, read_net
from protoface.converters.graph import TRAIN, Graph, build_graph
from protoface.converters.prototxt import parse_message
from protoface.trainers.net.fusion import NormScale, fuse
from protoface.trainers.net.solver_net import SolverNet, solver_net
from protoface.trainers.solver.timing import data_shapes

ROOT = Path(__file__).parents[3]
LEVEL_1 = ROOT / "prototxt" / "level_1" / "train_val.prototxt"
INPUT = 'layer { name: "x" type: "Input" top: "x" input_param { shape { dim: [4, 3, 5, 5] } } }'
BN = 'layer { name: "bn" type: "BatchNorm" bottom: "x" top: "b" }'
SCALE = 'layer { name: "s" type: "Scale" bottom: "b" top: "s" OPTIONS }'
RELU = 'layer { name: "r" type: "ReLU" bottom: "s" top: "r" }'


def graph(*layers: str) -> Graph:
    net = read_net(LEVEL_1)
    net.Clear()
    return build_graph(filter_net(parse_message("\n".join([INPUT, *layers]), net, "net"), TRAIN), "net")


def level_1() -> SolverNet:
    net = filter_net(read_net(LEVEL_1), TRAIN)
    for layer in net.layer:
        if layer.type == "ImageData":
            layer.image_data_param.batch_size = 4
        layer.dropout_param.dropout_ratio = 0
    return solver_net(net, "level_1", data_shapes(net, "level_1"), 1).double()


def test_level_1_has_as_many_steps_as_convolutions_need() -> None:
    net = level_1()
    chains = [step for step in net.steps if isinstance(step.layer, NormScale)]
    assert len(chains) == 19
    assert (
        sum(step.layer.relu is not None for step in chains if isinstance(step.layer, NormScale)) == 13
    )
    assert not any(step.layer.param.type == "Scale" for step in net.steps)


@pytest.mark.parametrize("train", [True, False])
def test_same_loss_gradients_and_statistics(train: bool) -> None:
    torch.manual_seed(0)
    inputs = [torch.randn(4, 3, 48, 48).double(), torch.randn(4, 10).double()]
    found = []
    for fused in (True, False):
        net = level_1().train(train)
        if not fused:
            net.steps = net.graph.nodes
        with torch.no_grad():
            for key, blob in net.named_buffers():
                blob.fill_(1.0 if key.endswith("2") else 0.5)
        loss = net(*inputs)
        loss.backward()
        gradients = {key: blob.grad for key, blob in net.named_parameters()}
        found.append((loss.detach(), gradients, dict(net.named_buffers())))
    torch.testing.assert_close(found[0], found[1], rtol=1e-9, atol=1e-10)


def kinds(graph: Graph) -> list[str]:
    return [type(node.layer).__name__ for node in fuse(graph)]


def test_without_bias_and_without_relu() -> None:
    assert kinds(graph(BN, SCALE.replace("OPTIONS", ""), RELU)) == ["Input", "NormScale"]
    scale = SCALE.replace("OPTIONS", "scale_param { bias_term: true }")
    assert kinds(graph(BN, scale)) == ["Input", "NormScale"]


@pytest.mark.parametrize(
    "layers",
    [
        # read by another layer as well
        (BN, SCALE, 'layer { name: "p" type: "ReLU" bottom: "b" top: "p" }'),
        # a factor that is not one per channel
        (BN, SCALE.replace("OPTIONS", "scale_param { axis: 0 }")),
        (BN, SCALE.replace("OPTIONS", "scale_param { axis: 1 num_axes: 2 }")),
        # a second bottom instead of a learned factor
        (BN, SCALE.replace('bottom: "b"', 'bottom: "b" bottom: "x" scale_param { axis: 0 }')),
    ],
)
def test_chains_that_are_none(layers: tuple[str, ...]) -> None:
    assert "NormScale" not in kinds(graph(*(text.replace("OPTIONS", "") for text in layers)))


def test_a_leaky_relu_and_a_loss_stay_apart() -> None:
    leaky = RELU.replace("}", " relu_param { negative_slope: 0.1 } }")
    assert kinds(graph(BN, SCALE.replace("OPTIONS", ""), leaky))[1:] == ["NormScale", "ReLU"]
    nodes = graph(BN, SCALE.replace("OPTIONS", ""), RELU)
    assert len(fuse(nodes, kept=["b"])) == 4
