"""Every net, for every number of points."""

import pytest

from protoface.converters import build_graph
from protoface.prototxt.generate import Size, deploy_net
from protoface.prototxt.generate.net_bodies import BODIES, FOR_RECIPES


@pytest.mark.parametrize("net", sorted(set(BODIES) - FOR_RECIPES))
@pytest.mark.parametrize("points", [5, 68, 77, 98])
@pytest.mark.parametrize("width", [0.5, 1])
def test_every_net_answers_with_every_number_of_points(net, points, width):
    size = Size(24 if net == "small" else 48, width, points, net)
    graph = build_graph(deploy_net("net", size), "net")
    assert [value.shape for value in graph.inputs] == [(1, 3, size.pixels, size.pixels)]
    assert [value.shape for value in graph.outputs] == [(1, 2 * points)]
