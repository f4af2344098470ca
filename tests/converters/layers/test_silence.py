"""Silence: blobs that are no outputs."""

import pytest

from protoface.converters import ProtofaceError, build_graph

INPUT = "layer { name: 'x' type: 'Input' top: 'x' input_param { shape { dim: [1, 2, 3, 3] } } }"


def test_what_it_takes_is_no_output(agree, net_of):
    net = net_of(f"""{INPUT}
        layer {{ name: 'r' type: 'ReLU' bottom: 'x' top: 'r' }}
        layer {{ name: 's' type: 'Sigmoid' bottom: 'x' top: 's' }}
        layer {{ name: 't' type: 'TanH' bottom: 'x' top: 't' }}
        layer {{ name: 'quiet' type: 'Silence' bottom: 'r' bottom: 's' }}""")
    assert [value.blob for value in build_graph(net, "net").outputs] == ["t"]
    agree(net)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("layer { name: 'q' type: 'Silence' bottom: 'x' top: 'y' }", "has 1 tops, expected 0"),
        ("layer { name: 'q' type: 'Silence' }", "has no bottom"),
    ],
)
def test_bad_nets(net_of, text, message):
    with pytest.raises(ProtofaceError, match=rf"net: layer 'q' \(Silence\):? {message}"):
        build_graph(net_of(INPUT + text), "net")
