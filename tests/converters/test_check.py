"""`--check`: every runtime against the source; damage is caught, NaN never agrees."""

import itertools

import numpy as np
import pytest

from protoface.converters import (
    ProtofaceError,
    build_graph,
    convert,
    load_net,
    read_weights,
    to_onnx,
    write_weights,
)
from protoface.converters.blobs import to_array, to_blob
from protoface.converters.check import (
    TOLERANCE,
    Difference,
    caffe_runtimes,
    check_converted,
    largest_difference,
    onnx_runtimes,
    random_inputs,
)
from protoface.converters.opencv_net import has_caffe_importer
from protoface.converters.runtimes import run_pytorch


def test_all_runtimes_on_the_published_nets(published, demo_reference):
    """Within 1e-5 of real Caffe's fc2 and of each other, on what Caffe was fed and on noise."""
    for level in (1, 2):
        net = load_net(*published(level))
        runs = caffe_runtimes(net)
        assert len(runs) == 3 + has_caffe_importer()
        inputs, fc2 = demo_reference(level)
        outputs = {name: run({"data": inputs})["fc2"] for name, run in runs.items()}
        for name, output in outputs.items():
            assert np.abs(output - fc2).max() < 1e-5, name
        noise = random_inputs(build_graph(net, "net"), 4, seed=level)
        outputs = {name: run(noise)["fc2"] for name, run in runs.items()}
        for (one, a), (other, b) in itertools.combinations(outputs.items(), 2):
            assert np.abs(a - b).max() < 1e-5 * np.abs(a).max(), (one, other)


@pytest.mark.parametrize("suffix", [".onnx", ".pt", ".caffemodel", ".caffemodel.h5"])
@pytest.mark.parametrize("fold_bn", [False, True])
@pytest.mark.filterwarnings("ignore:.*layer names contain")
def test_conversions_agree(tmp_path, published, suffix, fold_bn):
    out = tmp_path / f"out{suffix}"
    differences = check_converted(out, convert(*published(1), out, fold_bn=fold_bn))
    assert all(found.difference < 1e-5 for found in differences)
    assert len(differences) == (2 if suffix == ".onnx" else 3 + has_caffe_importer())


@pytest.mark.parametrize("factor", [1.001, float("nan")])
def test_a_damaged_weight_is_found(tmp_path, published, factor):
    out = tmp_path / "out.caffemodel"
    converted = convert(*published(1), out)
    damaged = read_weights(out)
    layer = next(layer for layer in damaged.layer if layer.name == "fc2")
    layer.blobs[1].CopyFrom(to_blob((to_array(layer.blobs[1], "b") + 0.1) * np.float32(factor)))
    write_weights(out, damaged)
    differences = check_converted(out, converted)
    assert differences
    assert not any(found.agrees for found in differences)


def test_a_damaged_onnx_file_is_found(tmp_path, published):
    out = tmp_path / "out.onnx"
    converted = convert(*published(1), out)
    model = to_onnx(converted.net, "net")
    bias = next(tensor for tensor in model.graph.initializer if tensor.name == "fc2.1")
    bias.raw_data = (np.frombuffer(bias.raw_data, np.float32) + np.float32(0.01)).tobytes()
    out.write_bytes(model.SerializeToString())
    assert not any(found.agrees for found in check_converted(out, converted))


def test_differences_are_parts_of_the_largest_output():
    expected = {"a": np.array([0.0, 10.0]), "b": np.array([1.0])}
    actual = {"a": np.array([0.5, 10.0]), "b": np.array([1.01])}
    assert largest_difference(expected, actual) == pytest.approx(0.05)
    assert largest_difference(expected, expected) == 0


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_not_a_number_never_agrees(bad):
    good, wrong = {"a": np.array([1.0, 2.0])}, {"a": np.array([1.0, bad])}
    for expected, actual in ((good, wrong), (wrong, good), (wrong, wrong)):
        found = largest_difference(expected, actual)
        assert np.isnan(found)
        assert not Difference("r", found).agrees


def test_the_largest_of_several_outputs_counts_in_any_order():
    one, other = {"a": np.ones(1), "b": np.ones(1)}, {"a": np.ones(1) * 1.5, "b": np.ones(1)}
    assert largest_difference(one, other) == largest_difference(other, one) * 1.5 == 0.5


@pytest.mark.parametrize(("difference", "agrees"), [(0, True), (TOLERANCE, True), (1.01e-4, False)])
def test_tolerance(difference, agrees):
    assert Difference("r", difference).agrees == agrees


def test_outputs_that_are_missing_or_of_another_shape():
    with pytest.raises(ProtofaceError, match=r"output 'a' is missing; there are \['b'\]"):
        largest_difference({"a": np.ones(1)}, {"b": np.ones(1)})
    with pytest.raises(ProtofaceError, match=r"output 'a' has shape \(2,\) instead of \(1,\)"):
        largest_difference({"a": np.ones(1)}, {"a": np.ones(2)})


def test_inputs_are_reproducible_and_as_declared(net_of):
    graph = build_graph(
        net_of("""layer { name: 'i' type: 'Input' top: 'x' top: 'y' input_param {
        shape { dim: [1, 3, 4, 5] } shape { dim: [7, 2] } } }"""),
        "n",
    )
    feed = random_inputs(graph, 3, seed=5)
    assert {name: (blob.shape, blob.dtype) for name, blob in feed.items()} == {
        "x": ((3, 3, 4, 5), np.float32),
        "y": ((3, 2), np.float32),
    }
    assert all(np.abs(blob).max() <= 128 for blob in feed.values())
    assert np.array_equal(feed["x"], random_inputs(graph, 3, seed=5)["x"])


def test_every_runtime_takes_any_batch(net_of, filled):
    net = filled(
        net_of("""
        layer { name: 'i' type: 'Input' top: 'x' input_param { shape { dim: [1, 3, 4, 5] } } }
        layer { name: 'c' type: 'Convolution' bottom: 'x' top: 'y'
                convolution_param { num_output: 2 kernel_size: 3 } }""")
    )
    graph = build_graph(net, "net")
    runs = {**caffe_runtimes(net), **onnx_runtimes(to_onnx(net, "net").SerializeToString(), graph)}
    for batch in (3, 1, 8, 1):
        feed = random_inputs(graph, batch, seed=0)
        expected = run_pytorch(net, np.float64)(feed)
        assert all(largest_difference(expected, run(feed)) < 1e-5 for run in runs.values())
