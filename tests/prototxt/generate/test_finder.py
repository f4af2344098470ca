"""The net for faces anywhere: the last map keeps its places."""

from protoface.converters import build_graph
from protoface.prototxt.generate import Size, deploy_net


def test_the_last_map_has_6_x_6_places():
    graph = build_graph(deploy_net("first", Size(net="finder", points=68)), "first")
    shapes = {node.name: node.tops[0].shape for node in graph.nodes}
    assert shapes["conv3_2/out/pw_new"] == (1, 64, 6, 6)
    assert shapes["answers"] == (1, 136, 36)
    assert [value.shape for value in graph.outputs] == [(1, 136)]
    assert not any("fc" in name for name in shapes)
