"""`protoface layers`: counts, and layers that are not supported are listed, never a reason to stop."""

import json

import pytest
from click.testing import CliRunner

from protoface.converters import build_graph, load_net, write_weights
from protoface.converters.commands.layers import layers
from protoface.converters.net_summary import summarise

NET = """
name: "odd"
layer { name: 'data' type: 'ImageData' top: 'x' top: 'label' }
layer { name: 'c' type: 'Convolution' bottom: 'x' top: 'c' param { name: 'w' } param { name: 'b' }
        convolution_param { num_output: 4 kernel_size: 3 } }
layer { name: 'new' type: 'Unheard' bottom: 'c' top: 'u' }
layer { name: 'after' type: 'ReLU' bottom: 'u' top: 'u' }
layer { name: 'rand' type: 'Pooling' bottom: 'c' top: 'p'
        pooling_param { pool: STOCHASTIC kernel_size: 2 } }
layer { name: 'twin' type: 'Convolution' bottom: 'x' top: 'd' param { name: 'w' } param { name: 'b' }
        convolution_param { num_output: 4 kernel_size: 3 } }
layer { name: 'loss' type: 'SoftmaxWithLoss' bottom: 'd' bottom: 'label' top: 'loss' }
"""


def run(*arguments):
    runner = CliRunner()
    return runner.invoke(layers, [str(a) for a in arguments], standalone_mode=False)


@pytest.fixture
def file(tmp_path):
    (tmp_path / "n.prototxt").write_text(NET)
    return tmp_path / "n.prototxt"


def test_sums_are_those_of_the_graph(published):
    net = load_net(*published(1))
    graph = build_graph(net, "n")
    found = summarise(net, net)
    assert found.multiply_adds == graph.multiply_adds()
    assert found.parameters == sum(sum(len(blob.data) for blob in layer.blobs) for layer in net.layer)
    assert not found.unsupported
    assert {row.weights for row in found.rows} == {"yes", ""}
    shapes = {
        blob: shape for row in found.rows for blob, shape in zip(row.tops, row.shapes, strict=True)
    }
    assert shapes["fc2"] == (1, 10)


def test_every_layer_is_listed(file):
    result = run(file, "--json", "--input-shape", "x=1,3,6,6")
    found = json.loads(result.output)
    assert result.return_value == 1
    assert [(row["name"], row["status"]) for row in found["layers"]] == [
        ("data", "carried over"),
        ("c", "carried over"),
        ("new", "unknown type"),
        ("after", "unknown bottom"),
        ("rand", "refused"),
        ("twin", "carried over"),
        ("loss", "left out"),
    ]
    assert found["unsupported"] == ["new", "rand"]
    # the twin uses the first one's parameters, and works as much
    assert [row.get("parameters") for row in found["layers"]] == [0, 112, None, None, None, 0, None]
    assert found["parameters"] == 112
    assert found["multiply_adds"] == 2 * 4 * 16 * 27
    assert found["layers"][1]["shapes"] == [[1, 4, 4, 4]]


def test_text(file):
    lines = run(file, "--input-shape", "x=2,3,6,6").output.splitlines()
    assert lines[0].split() == ["layer", "type", "top", "shape", "parameters", "multiply-adds"]
    assert lines[2].split() == ["c", "Convolution", "c", "2x4x4x4", "112", "3,456"]
    assert lines[3].split()[:3] == ["new", "Unheard", "u"]
    assert lines[3].endswith("unknown type: not in docs/layers.md")
    assert lines[4].endswith("unknown bottom: 'u' has no known shape")
    assert "only MAX and AVE" in lines[5]
    assert lines[-2:] == [
        "7 layers, at least 112 parameters, 6,912 multiply-adds",
        "unsupported: 1 x Pooling, 1 x Unheard",
    ]


def test_without_input_sizes_nothing_behind_is_known(file):
    rows = json.loads(run(file, "--json").output)["layers"]
    assert [row["status"] for row in rows] == [
        "left out",
        "unknown bottom",
        "unknown type",
        "unknown bottom",
        "unknown bottom",
        "unknown bottom",
        "left out",
    ]


def test_weights_are_compared(tmp_path, net_of, filled):
    text = """layer { name: 'i' type: 'Input' top: 'x' input_param { shape { dim: [1, 4] } } }
    layer { name: 'a' type: 'InnerProduct' bottom: 'x' top: 'y' inner_product_param { num_output: 2 } }
    layer { name: 'b' type: 'InnerProduct' bottom: 'y' top: 'z'
            inner_product_param { num_output: 3 } }"""
    write_weights(tmp_path / "n.pt", filled(net_of(text)))
    (tmp_path / "n.prototxt").write_text(text)
    assert run(tmp_path / "n.prototxt", "--weights", tmp_path / "n.pt").return_value == 0
    (tmp_path / "n.prototxt").write_text(text.replace("3 }", "5 }").replace("'a'", "'c'"))
    result = run(tmp_path / "n.prototxt", "--weights", tmp_path / "n.pt")
    assert result.return_value == 1
    assert "weights: missing" in result.output
    assert "weights: [[3, 2], [3]] instead of [[5, 2], [5]]" in result.output
