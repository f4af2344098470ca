"""The deploy net is the TEST phase without data and loss; patches are input channels."""

import pytest

from protoface.converters import build_graph, filter_net, read_net
from protoface.converters.graph import TEST
from protoface.prototxt.generate import Size, deploy_net

from .generator import FILES, LEVELS, PROTOTXT


@pytest.mark.parametrize("level", LEVELS)
def test_the_deploy_net_is_the_rest_of_the_test_phase(level):
    train_val, deploy = (read_net(PROTOTXT / level / name) for name in FILES[:2])
    test = filter_net(train_val, TEST)
    assert [layer.name for layer in test.layer if layer not in filter_net(deploy).layer] == [
        "data",
        "loss",
    ]
    assert list(filter_net(deploy).layer[1:]) == list(test.layer[1:-1])


def test_patches_are_input_channels():
    graph = build_graph(deploy_net("level_3", Size(points=7, patches=True)), "net")
    assert [value.shape for value in graph.inputs] == [(1, 21, 48, 48)]
    assert [value.shape for value in graph.outputs] == [(1, 14)]
