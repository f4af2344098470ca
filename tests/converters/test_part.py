"""A part of a net: other input sizes, cut behind a blob, chosen by stage and level."""

import numpy as np
import pytest
from click.testing import CliRunner

from protoface.converters import ProtofaceError, build_graph, load_net, read_net, write_weights
from protoface.converters.commands import convert as commands
from protoface.converters.part import Part, take_part
from protoface.converters.runtimes import run_pytorch

NET = """
layer { name: 'data' type: 'Data' top: 'x' top: 'label' data_param { source: 'db' batch_size: 4 } }
layer { name: 'c' type: 'Convolution' bottom: 'x' top: 'c'
        convolution_param { num_output: 4 kernel_size: 3 } }
layer { name: 'r' type: 'ReLU' bottom: 'c' top: 'c' }
layer { name: 'c2' type: 'Convolution' bottom: 'c' top: 'c2'
        convolution_param { num_output: 2 kernel_size: 1 } }
layer { name: 'sc' type: 'Scale' bottom: 'c' top: 'c' include { stage: 'scaled' } }
layer { name: 'deep' type: 'ReLU' bottom: 'c2' top: 'deep' include { min_level: 2 } }
layer { name: 'odd' type: 'Unheard' bottom: 'c' top: 'odd' }
layer { name: 'loss' type: 'SoftmaxWithLoss' bottom: 'c2' bottom: 'label' top: 'loss' }
"""
SIZE = {"x": (1, 3, 6, 6)}


def part_of(net_of, text=NET, **choice):
    return take_part(net_of(text), Part(**choice), "n.prototxt")


def names(net):
    return [layer.name for layer in net.layer]


def test_a_cut_net_computes_the_same_blob(net_of, filled):
    cut = part_of(net_of, input_shapes=SIZE, output_blobs=["c2"])
    assert names(cut) == ["data", "c", "r", "c2"]
    assert [value.blob for value in build_graph(cut, "n").outputs] == ["c2"]
    whole = filled(part_of(net_of, input_shapes=SIZE, output_blobs=["c2"], level=2))
    feed = {"x": np.random.default_rng(0).normal(size=(2, 3, 6, 6))}
    shorter = filled(cut)
    assert np.array_equal(
        run_pytorch(whole, np.float64)(feed)["c2"], run_pytorch(shorter, np.float64)(feed)["c2"]
    )


def test_a_blob_is_taken_as_it_is_at_last(net_of):
    assert names(part_of(net_of, input_shapes=SIZE, output_blobs=["c"])) == ["data", "c", "r"]
    scaled = part_of(net_of, input_shapes=SIZE, output_blobs=["c"], stages=["scaled"])
    assert names(scaled) == ["data", "c", "r", "sc"]


def test_levels_and_stages(net_of):
    assert names(part_of(net_of)) == ["data", "c", "r", "c2", "odd"]
    everything = part_of(net_of, level=2, stages=["scaled", "other"])
    assert names(everything) == ["data", "c", "r", "c2", "sc", "deep", "odd"]
    # what was chosen stays, whatever is done to the net next
    assert names(take_part(everything, Part(), "n")) == names(everything)


def test_a_data_layer_becomes_an_input(net_of):
    net = part_of(net_of, input_shapes=SIZE, output_blobs=["c2"])
    assert (net.layer[0].type, list(net.layer[0].top)) == ("Input", ["x"])
    assert not net.layer[0].HasField("data_param")
    assert [value.shape for value in build_graph(net, "n").outputs] == [(1, 2, 4, 4)]


@pytest.mark.parametrize("shapes", [{"y": (2, 3)}, {"x": (5,), "y": (2, 3)}])
@pytest.mark.parametrize(
    "declared", ["shape { dim: [1, 9] }", "shape { dim: [1, 9] } shape { dim: [1, 9] }"]
)
def test_inputs_get_other_shapes(net_of, shapes, declared):
    text = f"layer {{ name: 'i' type: 'Input' top: 'x' top: 'y' input_param {{ {declared} }} }}"
    inputs = build_graph(part_of(net_of, text, input_shapes=shapes), "n").inputs
    assert {value.blob: value.shape for value in inputs} == {"x": (1, 9), "y": (1, 9), **shapes}


def test_an_old_file_without_a_shape(net_of):
    text = "input: 'x' layer { name: 'r' type: 'ReLU' bottom: 'x' top: 'y' }"
    net = part_of(net_of, text, input_shapes={"": (1, 2)})
    assert [value.blob for value in build_graph(net, "n").inputs] == ["x"]


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ({"output_blobs": ["nope"]}, "n.prototxt: has no blob 'nope'; there are c, c2, label"),
        ({"output_blobs": ["c", "c2"]}, "output blob 'c' is read on the way to another"),
        ({"input_shapes": {"c": (1, 2)}}, "has no input 'c'; there are x, label"),
        ({"input_shapes": {"": (1, 2)}}, "has the inputs x, label: name the one meant"),
    ],
)
def test_what_is_not_there(net_of, choice, message):
    with pytest.raises(ProtofaceError, match=message):
        part_of(net_of, **choice)


def test_on_the_command_line(tmp_path, net_of, filled):
    (tmp_path / "n.prototxt").write_text(NET)
    source = filled(part_of(net_of, input_shapes=SIZE, output_blobs=["c2"]))
    write_weights(tmp_path / "n.caffemodel", source)
    files = [str(tmp_path / name) for name in ("n.prototxt", "n.caffemodel")]
    out = tmp_path / "out.caffemodel"
    options = ["--input-shape", "x=1,3,6,6", "--output-blob", "c2", "--level", "1", "--check"]
    options += ["--out", str(out)]
    result = CliRunner().invoke(commands.convert, [*files, *options], standalone_mode=False)
    assert result.exception is None
    assert result.return_value == 0
    assert load_net(tmp_path / "out.prototxt", out) == source


def test_layers_of_one_name(tmp_path, net_of, filled, agree):
    """Caffe and OpenCV 4 take them; only those without weights can be told apart."""
    layers = "layer { name: 'r' type: 'ReLU' bottom: 'c' top: 'c' }"
    (tmp_path / "n.prototxt").write_text(
        "input: 'x' input_shape { dim: [1, 3, 6, 6] } "
        "layer { name: 'c' type: 'Convolution' bottom: 'x' top: 'c' "
        "convolution_param { num_output: 2 kernel_size: 1 } }"
        f"{layers} layer {{ name: 'r_1' type: 'Sigmoid' bottom: 'c' top: 'c' }} {layers}"
    )
    net = take_part(read_net(tmp_path / "n.prototxt"), Part(), "n.prototxt")
    assert [layer.name for layer in net.layer] == ["input", "c", "r", "r_1", "r_2"]
    write_weights(tmp_path / "n.caffemodel", filled(net))
    agree(load_net(tmp_path / "n.prototxt", tmp_path / "n.caffemodel"))


@pytest.mark.parametrize(
    "shapes", [["x"], ["x=1,a"], ["x=1,0"], ["x="], ["x=1", "x=2"], ["1,2", "x=3"]]
)
def test_shapes_that_are_none(tmp_path, shapes):
    options = [text for shape in shapes for text in ("--input-shape", shape)]
    result = CliRunner().invoke(commands.convert, ["n", "w", "o", *options], standalone_mode=False)
    assert "as data=1,3,48,48" in str(result.exception.format_message())
