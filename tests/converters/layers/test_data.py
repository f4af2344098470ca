"""Input with one and several tops; data layers, which are left out."""

import pytest

from protoface.converters import ProtofaceError, build_graph, deployed

TWO = """
layer { name: 'in' type: 'Input' top: 'a' top: 'b' input_param { %s } }
layer { name: 'cat' type: 'Concat' bottom: 'a' bottom: 'b' top: 'y' }"""


@pytest.mark.parametrize(
    "shapes",
    ["shape { dim: [1, 2, 3, 4] }", "shape { dim: [1, 2, 3, 4] } shape { dim: [1, 5, 3, 4] }"],
)
def test_several_tops_with_one_shape_or_their_own(agree, net_of, shapes):
    agree(net_of(TWO % shapes))


def test_shapes_of_the_tops(net_of):
    graph = build_graph(net_of(TWO % "shape { dim: [1, 2] } shape { dim: [1, 7] }"), "net")
    assert [(value.blob, value.shape) for value in graph.inputs] == [("a", (1, 2)), ("b", (1, 7))]
    assert [value.shape for value in graph.outputs] == [(1, 9)]


@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        ("", "gives 0 shapes for 2 tops"),
        ("shape { dim: 1 } " * 3, "gives 3 shapes for 2 tops"),
        ("shape { dim: [1, 0] }", "must be at least 1"),
        ("shape { dim: [1, -2] }", "must be at least 1"),
    ],
)
def test_bad_shapes(net_of, shapes, message):
    with pytest.raises(ProtofaceError, match=rf"layer 'in' \(Input\): .*{message}"):
        build_graph(net_of(TWO % shapes), "net")


@pytest.mark.parametrize(
    "kind", ["ImageData", "Data", "HDF5Data", "MemoryData", "WindowData", "DummyData"]
)
def test_data_layers_need_shapes_from_who_builds_the_net(net_of, kind):
    net = net_of(f"""
        layer {{ name: 'd' type: '{kind}' top: 'data' top: 'label' }}
        layer {{ name: 'r' type: 'ReLU' bottom: 'data' top: 'r' }}""")
    with pytest.raises(ProtofaceError, match=rf"net: layer 'd' \({kind}\): .*deploy net"):
        build_graph(net, "net")
    graph = build_graph(net, "net", {"d": [(2, 3), (2, 1)]})
    assert [value.shape for value in graph.outputs] == [(2, 1), (2, 3)]
    assert len(deployed(net).layer) == 2  # still read, so it stays and is an error by name
