"""Nets at work: every runtime answers the same blobs for the same blobs, however many there are."""

from importlib.util import find_spec

import numpy as np
import pytest

from protoface.converters import ProtofaceError, build_graph, to_onnx
from protoface.converters.check import caffe_runtimes, largest_difference
from protoface.converters.graph import Net
from protoface.converters.opencv_net import has_caffe_importer, opencv_net, opencv_net_from_onnx
from protoface.converters.runtimes import (
    Blobs,
    Run,
    ends_of,
    in_portions,
    run_onnxruntime,
    run_opencv,
    run_pytorch,
    run_reference,
)

from .parity import feed_of

#: Two inputs of different shapes, of which one is used twice; outputs with four axes, two and one, one
#: of them made in place, one by a layer of two tops.
SEVERAL = """
name: 'several'
layer { name: 'first' type: 'Input' top: 'x' top: 'y'
        input_param { shape { dim: [1, 3, 8, 8] } shape { dim: [1, 5] } } }
layer { name: 'conv' type: 'Convolution' bottom: 'x' top: 'map'
        convolution_param { num_output: 4 kernel_size: 3 } }
layer { name: 'act' type: 'ReLU' bottom: 'map' top: 'map' relu_param { negative_slope: 0.1 } }
layer { name: 'parts' type: 'Slice' bottom: 'map' top: 'left' top: 'right' slice_param { axis: 1 } }
layer { name: 'fc' type: 'InnerProduct' bottom: 'left' top: 'fc' inner_product_param { num_output: 5 } }
layer { name: 'sum' type: 'Eltwise' bottom: 'fc' bottom: 'y' top: 'sum'
        eltwise_param { coeff: 1 coeff: -2 } }
layer { name: 'soft' type: 'Softmax' bottom: 'y' top: 'prob' }
layer { name: 'mean' type: 'Reduction' bottom: 'sum' top: 'mean'
        reduction_param { axis: 1 operation: MEAN } }
"""
OUTPUTS = {"right": (2, 6, 6), "prob": (5,), "mean": ()}


@pytest.fixture
def several(net_of, filled) -> Net:
    return filled(net_of(SEVERAL))


def runs_of(net: Net) -> dict[str, Run]:
    """Every way to run a net, each with the ends as its caller knows them."""
    model = to_onnx(net, "several")
    graph, ends = build_graph(net, "several"), ends_of(model, "several")
    content = model.SerializeToString()
    runs = {
        **caffe_runtimes(net),
        "float64": run_pytorch(net, np.float64),
        "reference": run_reference(model, graph),
        "reference, ends of the model": run_reference(model, ends),
        "opencv, ends of the model": run_opencv(opencv_net_from_onnx(content, "several"), ends),
    }
    if find_spec("onnxruntime"):
        runs["onnxruntime, ends of the model"] = run_onnxruntime(content, ends, 1)
    return runs


def test_every_runtime_gives_every_output(several):
    graph, runs = build_graph(several, "several"), runs_of(several)
    assert len(runs) == 6 + has_caffe_importer() + 2 * bool(find_spec("onnxruntime"))
    for batch in (1, 3, 2):
        feed = feed_of(graph, batch, seed=batch)
        expected = runs["float64"](feed)
        assert {blob: values.shape[1:] for blob, values in expected.items()} == OUTPUTS
        for name, run in runs.items():
            found = run(feed)
            assert set(found) == set(OUTPUTS), name
            assert largest_difference(expected, found) < 1e-5, name


def test_nothing_is_kept_of_the_call_before(several):
    """The same feed twice, another one between, its arrays as they were."""
    graph = build_graph(several, "several")
    one, other = feed_of(graph, 2, seed=1), feed_of(graph, 3, seed=2)
    before = {blob: values.copy() for blob, values in one.items()}
    for name, run in runs_of(several).items():
        first = {blob: values.copy() for blob, values in run(one).items()}
        run(other)
        for blob, values in run(one).items():
            np.testing.assert_array_equal(values, first[blob], err_msg=name)
        for blob, values in one.items():
            np.testing.assert_array_equal(values, before[blob], err_msg=name)


def test_inputs_are_told_apart_by_their_names(several):
    """In any order; an input changed changes what is made of it, and nothing else."""
    feed = feed_of(build_graph(several, "several"), 2)
    changed = {"y": feed["y"] + np.arange(5, dtype=np.float32), "x": feed["x"]}
    for name, run in runs_of(several).items():
        plain, found = run(feed), run(changed)
        np.testing.assert_array_equal(plain["right"], found["right"], err_msg=name)
        assert np.abs(plain["prob"] - found["prob"]).max() > 0.01, name
        assert np.abs(plain["mean"] - found["mean"]).max() > 0.01, name


def test_the_ends_of_a_net_are_those_of_its_model(several):
    net, model = ends_of(several, "here"), ends_of(to_onnx(several, "several"), "here")
    assert net.name == model.name == "here"
    for ours, theirs in ((net.inputs, model.inputs), (net.outputs, model.outputs)):
        assert [value.blob for value in ours] == [value.blob for value in theirs]
        assert [value.shape[1:] for value in ours] == [value.shape[1:] for value in theirs]
    assert [value.shape[0] for value in net.inputs] == [1, 1]
    # a size that a model leaves open
    assert [value.shape[0] for value in model.inputs] == [0, 0]


def test_weights_are_no_inputs_of_a_model(several):
    """Models before IR 4 list them among those."""
    model = to_onnx(several, "several")
    for tensor in model.graph.initializer:
        model.graph.input.add(name=tensor.name)
    assert [value.blob for value in ends_of(model, "here").inputs] == ["x", "y"]


@pytest.mark.skipif(not find_spec("onnxruntime"), reason="needs onnxruntime")
def test_a_model_that_onnx_runtime_refuses(net_of):
    graph = build_graph(
        net_of("name: 'n' layer { name: 'i' type: 'Input' top: 'x' input_param { shape { dim: 1 } } }"),
        "n",
    )
    with pytest.raises(ProtofaceError, match="n: ONNX Runtime .* refuses it: ") as caught:
        run_onnxruntime(b"no model", graph)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "importer",
    [
        "onnx",
        pytest.param(
            "caffe", marks=[pytest.mark.skipif(not has_caffe_importer(), reason="OpenCV 4 only")]
        ),
    ],
)
def test_what_opencv_cannot_run_is_named(several, importer):
    """A shape that the next layer has no weights for."""
    network = (
        opencv_net(several, "several")
        if importer == "caffe"
        else opencv_net_from_onnx(to_onnx(several, "several").SerializeToString(), "several")
    )
    run = run_opencv(network, ends_of(several, "stage 's'"))
    feed: Blobs = {"x": np.zeros((1, 3, 9, 9), np.float32), "y": np.zeros((1, 5), np.float32)}
    with pytest.raises(ProtofaceError, match="^stage 's': OpenCV .* cannot run it: ") as caught:
        run(feed)
    assert "\n" not in str(caught.value)


@pytest.mark.skipif(not find_spec("onnxruntime"), reason="needs onnxruntime")
def test_onnx_runtime_computes_alike_with_any_number_of_threads(several):
    content = to_onnx(several, "several").SerializeToString()
    feed = feed_of(build_graph(several, "several"), 2)
    one, many = (
        run_onnxruntime(content, ends_of(several, "several"), threads)(feed) for threads in (1, None)
    )
    assert largest_difference(one, many) < 1e-6


def test_many_pictures_in_portions_are_as_all_at_once():
    seen = []

    def run(feed):
        seen.append(len(feed["data"]))
        return {"sum": feed["data"].sum((1, 2, 3)), "same": feed["data"]}

    images = np.random.default_rng(0).normal(0, 1, (11, 3, 4, 5)).astype(np.float32)
    found = in_portions(run, 60)({"data": images})
    assert seen == [3, 3, 3, 2]
    np.testing.assert_array_equal(found["same"], images)
    np.testing.assert_array_equal(found["sum"], images.sum((1, 2, 3)))
    in_portions(run, 1)({"data": images[:2]})
    assert seen[4:] == [1, 1]
    assert in_portions(run, 60)({"data": images[:0]})["same"].shape == (0, 3, 4, 5)
