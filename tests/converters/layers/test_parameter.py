"""Parameter: a learned blob that other layers read."""

import cv2
import numpy as np
import pytest

from protoface.converters import ProtofaceError, build_graph

INPUT = "layer { name: 'x' type: 'Input' top: 'x' input_param { shape { dim: [1, 3, 2, 2] } } }"
PARAMETER = "layer { name: 'p' type: 'Parameter' top: 'p' parameter_param { shape { dim: 3 } } }"


def test_a_factor(filled, agree, net_of):
    net = filled(
        net_of(f"""{INPUT} {PARAMETER}
        layer {{ name: 's' type: 'Scale' bottom: 'x' bottom: 'p' top: 'y' }}""")
    )
    blob = np.array(net.layer[1].blobs[0].data, np.float64)[:, None, None]
    agree(net, lambda feed: {"y": feed["x"] * blob})


def test_as_an_output(filled, agree, net_of):
    net = filled(
        net_of(f"""{INPUT} {PARAMETER}
        layer {{ name: 'r' type: 'ReLU' bottom: 'x' top: 'y' }}""")
    )
    reason = "cannot give it out as an output"
    apart = {"opencv-onnx": reason, "opencv-caffe": reason}
    agree(net, apart=apart if cv2.__version__.startswith("4.") else None, batches=[3])


def test_it_is_no_input(net_of):
    graph = build_graph(
        net_of(f"""{INPUT} {PARAMETER}
        layer {{ name: 's' type: 'Scale' bottom: 'x' bottom: 'p' top: 'y' }}"""),
        "net",
    )
    assert [value.blob for value in graph.inputs] == ["x"]
    assert [value.blob for value in graph.outputs] == ["y"]
    assert graph.blob_specs()["p.0"].shape == (3,)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (PARAMETER.replace("dim: 3", "dim: 0"), "must be at least 1"),
        (PARAMETER.replace("top:", "bottom: 'x' top:"), "has 1 bottoms, Caffe takes 0"),
    ],
)
def test_bad_nets(net_of, text, message):
    with pytest.raises(ProtofaceError, match=rf"net: layer 'p' \(Parameter\): .*{message}"):
        build_graph(net_of(INPUT + text), "net")
