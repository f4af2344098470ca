"""Losses and measures: left out of a deployed net."""

import pytest

from protoface.converters import build_graph, deployed
from protoface.converters.layers import layer_types

LOSSES = sorted(name for name, kind in layer_types().items() if kind.__module__.endswith("losses"))


@pytest.mark.parametrize("kind", LOSSES)
def test_a_deployed_net_is_without_losses_and_labels(net_of, kind):
    net = net_of(f"""
        layer {{ name: 'in' type: 'Input' top: 'x' input_param {{ shape {{ dim: [1, 2] }} }} }}
        layer {{ name: 'd' type: 'ImageData' top: 'label' }}
        layer {{ name: 'r' type: 'ReLU' bottom: 'x' top: 'y' }}
        layer {{ name: 'l' type: '{kind}' bottom: 'y' bottom: 'label' top: 'loss' }}""")
    kept = deployed(net)
    assert [layer.name for layer in kept.layer] == ["in", "r"]
    assert [value.blob for value in build_graph(kept, "net").outputs] == ["y"]
