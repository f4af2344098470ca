"""Protobuf text: round trips, errors that name file and line."""

import numpy as np
import pytest

from protoface.converters import ProtofaceError, caffe_pb2, read_net
from protoface.converters.prototxt import parse_message, read_message, to_text, write_message

NET = """# a comment
name: "n"
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: [1, 3, 4, 4] } } }
layer {
  name: "relu"
  type: "ReLU"
  bottom: "data"
  top: "relu"
  relu_param { negative_slope: 0.1 }
}
"""


def written(tmp_path, content):
    path = tmp_path / "net.prototxt"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_text_written_and_read_again_is_the_same(tmp_path):
    net = read_net(written(tmp_path, NET))
    write_message(tmp_path / "again.prototxt", net)
    assert read_net(tmp_path / "again.prototxt") == net
    assert net.layer[1].relu_param.negative_slope == np.float32(0.1)


@pytest.mark.parametrize("value", [0.1, 1e-8, 3.4e38, 1 / 3, -0.0, float("inf")])
def test_floats_survive_as_text(value):
    message = caffe_pb2.ReLUParameter(negative_slope=value)
    again = parse_message(to_text(message), caffe_pb2.ReLUParameter(), "text")
    assert again.SerializeToString() == message.SerializeToString()


def test_names_of_any_language(tmp_path):
    assert read_net(written(tmp_path, NET.replace('"n"', '"네트"'))).name == "네트"


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("layer {\n", "layer \n", 5),
        ("negative_slope: 0.1", "negative_slope: x", 9),
        ("negative_slope: 0.1", "slope: 0.1", 9),
        ('type: "ReLU"', 'type: "ReLU', 6),
        ("relu_param", "relu_params", 9),
        ('top: "relu"', "top: relu", 8),
        ("dim: [1, 3, 4, 4]", "dim: [1, 3, 4, 99999999999999999999]", 3),
    ],
)
def test_a_syntax_error_names_file_and_line(tmp_path, old, new, line):
    path = written(tmp_path, NET.replace(old, new))
    with pytest.raises(ProtofaceError) as caught:
        read_net(path)
    assert str(caught.value).startswith(f"{path}: line {line}: ")
    assert "\n" not in str(caught.value)


def test_a_field_given_twice(tmp_path):
    text = NET.replace('type: "ReLU"', 'type: "ReLU" type: "TanH"')
    with pytest.raises(ProtofaceError, match="line 6: .*type"):
        read_net(written(tmp_path, text))


def test_a_text_cut_short(tmp_path):
    with pytest.raises(ProtofaceError, match="net.prototxt: "):
        read_net(written(tmp_path, NET[: len(NET) // 2]))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty"),
        (b"\xff\xfe binary", "not a text file .*weights go second"),
        (b"# nothing but a comment\n", "the net has no layers"),
        (b'layer { layer { name: "a" } }', "line 1"),
    ],
)
def test_files_that_are_no_nets(tmp_path, content, message):
    with pytest.raises(ProtofaceError, match=f"net.prototxt: .*{message}"):
        read_net(written(tmp_path, content))


def test_a_missing_file_and_a_folder(tmp_path):
    with pytest.raises(ProtofaceError, match=r"none\.prototxt: No such file"):
        read_net(tmp_path / "none.prototxt")
    with pytest.raises(ProtofaceError, match="Is a directory"):
        read_net(tmp_path)


def test_deep_nesting_is_an_error_not_a_crash(tmp_path):
    depth = 20_000
    text = "net_param { layer { include { " + "x { " * depth
    with pytest.raises(ProtofaceError):
        read_message(written(tmp_path, text), caffe_pb2.SolverParameter())


def test_weights_in_place_of_the_text(shared):
    with pytest.raises(ProtofaceError, match="l1_net.caffemodel: not a text file"):
        read_net(shared / "original" / "l1_net.caffemodel")


FORK = """layer { name: 'i' type: 'Input' top: 'x' input_param { shape { dim: [1, 3, 8, 8] } } }  # } {
layer { name: 'train' type: 'AnnotatedData' top: 'y' include { phase: TRAIN }
        annotated_data_param { label_map_file: "a { b" batch_sampler < max_sample: 1 > } }
layer {
  name: 'roi'
  type: 'ROIPooling'
  bottom: 'x'
  top: 'r'
  roi_pooling_param { pooled_w: 7 }
}
"""


def test_unknown_layers_keep_what_is_known(tmp_path):
    """So that they are listed and refused by name; see `commands/test_convert.py`."""
    net = read_net(written(tmp_path, FORK))
    assert [layer.type for layer in net.layer] == ["Input", "AnnotatedData", "ROIPooling"]
    assert net.layer[1].include[0].phase == caffe_pb2.TRAIN
    assert net.layer[2].bottom == ["x"]


@pytest.mark.parametrize(
    ("added", "message"),
    [
        ("layer { name: 'c'\n type: 'ReLU' relu_param { slop: 1 } }", "line 12: .*'?slop"),
        ("layer {\n name: 'c' unknown_param { } }", "line 12: .*unknown_param"),
        ("unknown_field: 1", "line 11: .*unknown_field"),
        ("layer { type: 'Unknown' name: 1 }", "line 11: "),
        ("layer { type: 'Unknown'", "line 11: "),
    ],
)
def test_what_is_wrong_beside_unknown_layers_names_its_line(tmp_path, added, message):
    with pytest.raises(ProtofaceError, match=message):
        read_net(written(tmp_path, FORK + added))
