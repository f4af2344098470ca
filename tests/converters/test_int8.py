"""Integers: the quantised model against float arithmetic, against OpenCV, and what it refuses."""

import numpy as np
import onnx
import onnx.version_converter
import pytest
from onnx import helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from protoface.cascade.backends.choice import BACKENDS
from protoface.converters import ProtofaceError, build_graph, int8, load_net, to_onnx
from protoface.converters.check import onnx_runtimes
from protoface.converters.fold import fold_batch_norm
from protoface.converters.int8 import quantised_layers, to_int8
from protoface.prototxt import generate

onnxruntime = pytest.importorskip("onnxruntime")

THREE = """
layer { name: 'i' type: 'Input' top: 'x' input_param { shape { dim: [1, 6] } } }
layer { name: 'a' type: 'InnerProduct' bottom: 'x' top: 'a' inner_product_param { num_output: 8 } }
layer { name: 'b' type: 'InnerProduct' bottom: 'a' top: 'b' inner_product_param { num_output: 7 } }
layer { name: 'c' type: 'InnerProduct' bottom: 'b' top: 'c' inner_product_param { num_output: 5 } }
"""
TWO_INPUTS = """
layer { name: 'i' type: 'Input' top: 'x' input_param { shape { dim: [1, 6] } } }
layer { name: 'j' type: 'Input' top: 'y' input_param { shape { dim: [1, 4] } } }
layer { name: 'a' type: 'InnerProduct' bottom: 'x' top: 'a' inner_product_param { num_output: 7 } }
layer { name: 'b' type: 'InnerProduct' bottom: 'y' top: 'b' inner_product_param { num_output: 7 } }
layer { name: 's' type: 'Eltwise' bottom: 'a' bottom: 'b' top: 's' }
layer { name: 'c' type: 'InnerProduct' bottom: 's' top: 'c' inner_product_param { num_output: 9 } }
layer { name: 'd' type: 'InnerProduct' bottom: 'c' top: 'd' inner_product_param { num_output: 5 } }
layer { name: 'e' type: 'Sigmoid' bottom: 's' top: 'e' }
"""


@pytest.fixture
def three(net_of, filled):
    """Three layers, of which the middle one becomes int8: the model, and what it sees."""
    net = filled(net_of(THREE))
    batches = np.random.default_rng(1).normal(size=(3, 16, 6)).astype(np.float32)
    return to_onnx(net, "three"), [{"x": batch} for batch in batches]


@pytest.fixture(scope="module")
def published(shared):
    """The published level 1, folded, and its int8 version, calibrated by noise."""
    net = load_net(
        generate.FOLDER / "level_1" / "deploy.prototxt", shared / "original" / "l1_net.caffemodel"
    )
    model = to_onnx(fold_batch_norm(net, "net"), "net")
    return net, model, to_int8(model, feeds(noise(64, 48), 4), "net")


def noise(count, size):
    """Smooth noise in the range of pixels less their mean."""
    coarse = np.random.default_rng(0).uniform(-127, 128, (count, 3, 6, 6))
    return np.kron(coarse, np.ones((size // 6, size // 6))).astype(np.float32)


def feeds(batch, count):
    """A batch in so many parts, for a net's one input."""
    return [{"data": part} for part in np.split(batch, count)]


def run(model, batch):
    """What ONNX's own reference, in float arithmetic, makes of it; it has QDQ from opset 19 on."""
    model = onnx.version_converter.convert_version(model, 19)
    (answer,) = ReferenceEvaluator(model).run(None, {model.graph.input[0].name: batch})
    return answer


def weights(model):
    return {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}


def test_what_comes_behind_the_last_layers_stays_in_float(net_of, filled):
    """The finder ends in two layers side by side, and in sums and products of what they give."""
    net = filled(generate.deploy_net("finder", generate.Size(net="finder")))
    model = to_onnx(fold_batch_norm(net, "net"), "net")
    quantised = to_int8(model, feeds(noise(8, 48), 1), "net")
    assert quantised_layers(quantised) == (18, 21)
    integers = {node.output[0] for node in quantised.graph.node if node.op_type == "DequantizeLinear"}
    ends = [node for node in quantised.graph.node if node.op_type in ("Softmax", "Mul", "ReduceSum")]
    assert len(ends) >= 3
    assert not integers.intersection(name for node in ends for name in node.input)


def test_errors_stay_within_the_quantisation_steps(three):
    """|b - b'| <= half a step of x times |W|, half a step of W times |x|, half a step of b."""
    model, seen = three
    quantised = to_int8(model, seen, "three")
    assert quantised_layers(quantised) == (1, 3)
    exact, stored = weights(model), weights(quantised)
    batches = [feed["x"] for feed in seen]
    batch = batches[0]
    a = batch @ exact["a.0"].T + exact["a.1"]
    steps = [value for name, value in stored.items() if name.endswith("_scale")]
    of_weights = next(step for step in steps if step.size == 7)
    np.testing.assert_allclose(of_weights, abs(exact["b.0"]).max(axis=1) / 64, rtol=0.01)
    seen_a = np.concatenate(batches) @ exact["a.0"].T + exact["a.1"]
    seen_b = seen_a @ exact["b.0"].T + exact["b.1"]
    of_a, of_b = ((max(v.max(), 0) - min(v.min(), 0)) / 255 for v in (seen_a, seen_b))  # uint8
    bound = (
        of_a / 2 * abs(exact["b.0"]).sum(axis=1)
        + (abs(a) + of_a / 2).sum(axis=1, keepdims=True) * of_weights / 2
        + of_b / 2
    )
    error = abs(run(quantised, batch) - run(model, batch))
    assert (error <= bound @ abs(exact["c.0"]).T + 1e-5).all()
    assert error.max() > 1e-4  # it really rounds


def test_the_graph_is_what_onnx_says(published):
    """Without its integer kernels ONNX Runtime computes the float arithmetic of ONNX's reference."""
    _, _, quantised = published
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(quantised.SerializeToString(), options)
    (answer,) = session.run(None, {"data": noise(8, 48)})
    np.testing.assert_allclose(answer, run(quantised, noise(8, 48)), atol=1e-5)


def test_every_runtime_is_nearer_to_that_than_that_to_float32(published):
    """Kernels round where the graph does not, such as biases to int32."""
    net, model, quantised = published
    feed = {"data": noise(8, 48)}
    expected, exact = run(quantised, feed["data"]), run(model, feed["data"])
    error = abs(expected - exact).mean()
    assert 0 < error < 0.03 * abs(exact).max()
    for name, runtime in onnx_runtimes(quantised.SerializeToString(), build_graph(net, "n")).items():
        (answer,) = runtime(feed).values()
        if name.startswith("opencv") and abs(answer - expected).mean() > error:
            # OpenCV 5.0's own engine on an AMD EPYC of family 26 (Zen 5)
            with pytest.raises(ProtofaceError, match="computes it wrongly .*use onnxruntime"):
                BACKENDS["opencv"].run(quantised, "net", 1)
            continue
        assert abs(answer - expected).mean() < 0.75 * error, name


def test_the_published_net_takes_a_third(published):
    _, model, quantised = published
    assert quantised_layers(model) == (0, 21)
    assert quantised_layers(quantised) == (19, 21)
    sizes = [len(each.SerializeToString()) for each in (model, quantised)]
    assert sizes[1] < 0.31 * sizes[0]
    assert quantised.graph.input[0] == model.graph.input[0]
    assert quantised.graph.output[0] == model.graph.output[0]


def test_products_of_two_weights_fit_16_bits(published):
    """Without VNNI a CPU adds two products of a uint8 and a weight in int16, cut off at its ends."""
    integers = [array for array in weights(published[2]).values() if array.dtype == np.int8]
    assert max(int(abs(array.astype(int)).max()) for array in integers) == 64
    assert 2 * 255 * 64 < 2**15


def test_the_same_batches_make_the_same_model(three):
    model, seen = three
    larger = [{"x": 2 * feed["x"]} for feed in seen]
    assert to_int8(model, seen, "n") == to_int8(model, seen, "n")
    assert to_int8(model, seen, "n") != to_int8(model, larger, "n")
    assert to_int8(model, iter(seen), "n") == to_int8(model, seen, "n")


def test_a_net_of_two_inputs(net_of, filled):
    """Each is calibrated by what it sees itself."""
    model = to_onnx(filled(net_of(TWO_INPUTS)), "two")
    generator = np.random.default_rng(1)
    seen = [
        {
            name: generator.normal(size=(16, size)).astype(np.float32)
            for name, size in (("x", 6), ("y", 4))
        }
        for _ in range(3)
    ]
    quantised = to_int8(model, seen, "two")
    assert quantised_layers(quantised)[0] > 0
    session = onnxruntime.InferenceSession(quantised.SerializeToString())
    exact = onnxruntime.InferenceSession(model.SerializeToString())
    for one, other in zip(session.run(None, seen[0]), exact.run(None, seen[0]), strict=True):
        assert 0 < abs(one - other).max() < 0.05 * abs(other).max()
    wide = [{**feed, "y": 100 * feed["y"]} for feed in seen]
    assert to_int8(model, wide, "two") != quantised


def test_what_cannot_be_quantised_says_why(three, net_of, filled):
    model, seen = three
    again = to_int8(model, seen, "three")
    with pytest.raises(ProtofaceError, match="three: is quantised already; give the float32 model"):
        to_int8(again, seen, "three")
    two = to_onnx(filled(net_of(THREE[: THREE.index("layer { name: 'c'")])), "two")
    with pytest.raises(ProtofaceError, match="two: has 2 layers with weights; .* nothing to quantise"):
        to_int8(two, seen, "two")
    model.graph.node.append(helper.make_node("Nonsense", ["c"], ["d"], domain="elsewhere"))
    model.graph.output[0].name = "d"
    with pytest.raises(ProtofaceError, match="three: ONNX Runtime cannot quantise it: "):
        to_int8(model, seen, "three")


def test_without_onnxruntime(three, monkeypatch):
    monkeypatch.setattr(int8, "find_spec", lambda name: None)
    with pytest.raises(ProtofaceError, match=r"pip install 'protoface\[onnxruntime\]'"):
        to_int8(*three, "three")
