"""Texts and nets that are small as files and too large for everything else: an error in no time."""

import time

import pytest

from protoface.converters import ProtofaceError, build_graph, caffe_pb2, read_net
from protoface.converters.limits import LARGEST_TEXT, check_finite
from protoface.converters.part import WHOLE, take_part
from protoface.converters.prototxt import read_message

INPUT = "layer { name: 'i' type: 'Input' top: 'x' input_param { shape { dim: [1, 3, 8, 8] } } }\n"


def layer(kind, more):
    return f"{INPUT}layer {{ name: 'big' type: '{kind}' bottom: 'x' top: 'y'\n{more} }}"


def graph(tmp_path, text):
    """Of the deployed net, within two seconds."""
    path = tmp_path / "n.prototxt"
    path.write_text(text)
    started = time.process_time()
    try:
        return build_graph(take_part(read_net(path), WHOLE, path), str(path))
    finally:
        assert time.process_time() - started < 2


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("layer { a " + "{" * 5000, 1),
        ("layer {\n type: 'Unknown' " + "a { " * 5000 + "}" * 5001, 2),
        ("layer {\n\n type: 'Unknown' a: " + "[" * 5000, 3),
        ("layer < a <" + "x <" * 100_000, 1),
        ("net_param { layer { " + "layer { " * 50, 1),
    ],
)
def test_nesting(tmp_path, text, line):
    with pytest.raises(
        ProtofaceError, match=f"n.prototxt: line {line}: messages are nested too deeply"
    ):
        graph(tmp_path, text)
    (tmp_path / "s.prototxt").write_text(text)
    with pytest.raises(
        ProtofaceError, match=f"s.prototxt: line {line}: messages are nested too deeply"
    ):
        read_message(tmp_path / "s.prototxt", caffe_pb2.SolverParameter())


def test_brackets_in_strings_and_comments_do_not_count(tmp_path):
    text = INPUT.replace("'i'", "'" + "{" * 100 + "'") + "#" + "{" * 100
    assert len(graph(tmp_path, text).nodes) == 1


@pytest.mark.parametrize(
    "text", ['"' * 100_001, '"\\' * 50_000, "'a" * 50_000, "layer { '" + "{" * 100_000]
)
def test_strings_without_an_end(tmp_path, text):
    with pytest.raises(ProtofaceError, match=r"n.prototxt: line 1: .{1,200}$"):
        graph(tmp_path, text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            layer("InnerProduct", "inner_product_param { num_output: 2000000000 }"),
            "'big' .*has 386,000,000,000 parameters",
        ),
        (
            layer(
                "Convolution",
                "convolution_param { num_output: 2 kernel_size: 2000000000 pad: 999999999 }",
            ),
            "'big' .*parameters",
        ),
        (
            layer("Convolution", "convolution_param { num_output: 2 kernel_size: 1 pad: 2000000000 }"),
            "'big' .*more than Caffe holds in a blob",
        ),
        (layer("Tile", "tile_param { tiles: 2000000000 }"), "'big' .*more than Caffe holds in a blob"),
        (layer("Reshape", "reshape_param { shape { dim: 9223372036854775807 } }"), "'big'"),
        (
            INPUT + "layer { name: 'big' type: 'Parameter' top: 'y'"
            " parameter_param { shape { dim: [1000000000] } } }",
            "'big' .*has 1,000,000,000 parameters",
        ),
        (INPUT.replace("1, 3", "9000000000, 3"), "'i' .*more than Caffe holds"),
        (INPUT.replace("1, 3", "1, " * 40 + "3"), "'i' has too many values of dim"),
        (layer("Concat", "bottom: 'x' " * 3000), "'big' has too many values of bottom"),
        (layer("Split", "top: 'z' " * 3000), "'big' has too many values of top"),
        (
            layer("Slice", "slice_param { " + "slice_point: 1 " * 3000 + "}"),
            "too many values of slice_point",
        ),
        (
            INPUT + "layer { name: 'r' type: 'ReLU' } " * 10_001,
            "has 10,002 layers, at most 10,000 are read",
        ),
    ],
)
def test_sizes(tmp_path, text, message):
    with pytest.raises(ProtofaceError, match=f"n.prototxt: .*{message}") as caught:
        graph(tmp_path, text)
    assert len(str(caught.value)) < 500


def test_parameters_add_up(tmp_path):
    one = "layer { name: 'p%d' type: 'Parameter' top: 'y%d' parameter_param { shape { dim: [%d] } } }\n"
    half = 1 << 28
    assert len(graph(tmp_path, INPUT + one % (1, 1, half) + one % (2, 2, half)).nodes) == 3
    with pytest.raises(
        ProtofaceError, match="layer 'p3' .*has 1 parameters, with the layers before it 536"
    ):
        graph(tmp_path, INPUT + "".join(one % (n, n, m) for n, m in ((1, half), (2, half), (3, 1))))


def test_a_file_that_is_too_large(tmp_path):
    path = tmp_path / "n.prototxt"
    with open(path, "wb") as file:
        file.truncate(LARGEST_TEXT + 1)  # no byte of it is on the disk
    for read in (read_net, lambda path: read_message(path, caffe_pb2.SolverParameter())):
        with pytest.raises(
            ProtofaceError, match=r"n.prototxt: has 4,194,305 bytes, a text file at most"
        ):
            read(path)


@pytest.mark.parametrize(
    "number", ["nan", "-NaN", "inf", "-infinity", "1e39", "-1e400", "infF", "4e38f"]
)
def test_numbers_that_are_not_finite(tmp_path, number):
    """Of a layer; of a solver; in a list; Clip's bounds and weights may be anything."""
    with pytest.raises(
        ProtofaceError, match=r"n.prototxt: line 3: negative_slope is not a finite number"
    ):
        graph(tmp_path, layer("ReLU", f"relu_param {{ negative_slope : {number} }}"))
    path = tmp_path / "s.prototxt"
    path.write_text(f"net: 'base_lr: nan'\n\nbase_lr: {number}")
    with pytest.raises(ProtofaceError, match=r"s.prototxt: line 3: base_lr is not a finite number"):
        read_message(path, caffe_pb2.SolverParameter())
    path.write_text(f"layer {{ loss_weight: [1,\n2,\n{number}] }}")
    with pytest.raises(ProtofaceError, match=r"s.prototxt: line 1: loss_weight is not a finite number"):
        read_message(path, caffe_pb2.NetParameter())


def test_numbers_that_need_not_be(tmp_path):
    read = graph(tmp_path, layer("Clip", "clip_param { min: -inf max: inf } blobs { data: nan }"))
    assert len(read.nodes) == 2


def test_a_number_that_no_text_shows():
    solver = caffe_pb2.SolverParameter(base_lr=float("nan"))
    with pytest.raises(ProtofaceError, match="f: text: base_lr is not a finite number"):
        check_finite(solver, "", "f")
