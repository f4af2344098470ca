"""A Softmax of two channels as a Sigmoid: the same probabilities."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from protoface.converters.two_classes import as_sigmoids


def model(channels=2, axis=1, outputs=("score",), bias=True, group=1):
    rng = np.random.default_rng(0)
    weights = rng.normal(0, 1, (channels, 4 // group, 1, 1)).astype(np.float32)
    inputs = ["data", "w", "b"] if bias else ["data", "w"]
    nodes = [
        helper.make_node("Conv", inputs, ["logits"], group=group),
        helper.make_node("Softmax", ["logits"], ["score"], axis=axis),
    ]
    given = helper.make_tensor_value_info("data", TensorProto.FLOAT, ("n", 4, "h", "w"))
    made = [helper.make_tensor_value_info(name, TensorProto.FLOAT, "nchw") for name in outputs]
    constants = [numpy_helper.from_array(weights, "w")]
    if bias:
        constants.append(numpy_helper.from_array(np.arange(channels, dtype=np.float32), "b"))
    graph = helper.make_graph(nodes, "net", [given], made, constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)


def scores(made):
    onnxruntime = pytest.importorskip("onnxruntime")
    x = np.random.default_rng(1).normal(0, 20, (2, 4, 6, 5)).astype(np.float32)
    options = {"providers": ["CPUExecutionProvider"]}
    return onnxruntime.InferenceSession(made.SerializeToString(), **options).run(None, {"data": x})[0]


@pytest.mark.parametrize("bias", [True, False])
def test_the_same_probabilities(bias):
    before = model(bias=bias)
    after = as_sigmoids(before)
    onnx.checker.check_model(after)
    assert [node.op_type for node in after.graph.node] == ["Conv", "Sigmoid"]
    assert [node.op_type for node in before.graph.node] == ["Conv", "Softmax"]
    found = scores(after)
    np.testing.assert_allclose(found, scores(before), atol=1e-5)
    np.testing.assert_allclose(found.sum(1), 1, atol=1e-6)
    assert found.min() < 0.01
    assert found.max() > 0.99


@pytest.mark.parametrize(
    "made",
    [
        model(channels=3),
        model(axis=-1),
        model(outputs=("score", "logits")),  # the logits are wanted themselves
        model(group=2),
    ],
)
def test_other_softmaxes_stay(made):
    assert as_sigmoids(made) is made
