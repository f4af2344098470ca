"""PReLU in parts: the same numbers, for slopes of every kind."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from protoface.converters.prelu_parts import in_parts

SLOPES = np.float32([-1.5, -0.25, 0, 0.25, 1, 1.01, 3]).reshape(-1, 1, 1)


def model(slope, shape=("n", 7, "h", "w")):
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in "xy")
    graph = helper.make_graph(
        [helper.make_node("PRelu", ["x", "slope"], ["y"])],
        "net",
        [x],
        [y],
        [numpy_helper.from_array(slope, "slope")],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(made)
    return made


def test_the_same_numbers():
    onnxruntime = pytest.importorskip("onnxruntime")
    before = model(SLOPES)
    after = in_parts(before)
    onnx.checker.check_model(after)
    assert [node.op_type for node in after.graph.node] == ["Mul", "Relu", "Mul", "Add"]
    assert [node.op_type for node in before.graph.node] == ["PRelu"]
    x = np.random.default_rng(0).normal(0, 10, (2, 7, 5, 4)).astype(np.float32)
    found, expected = (
        onnxruntime.InferenceSession(one.SerializeToString(), providers=["CPUExecutionProvider"]).run(
            None, {"x": x}
        )[0]
        for one in (after, before)
    )
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=2e-5)
    np.testing.assert_allclose(found, np.where(x > 0, x, SLOPES * x), rtol=1e-6, atol=2e-5)


def test_what_has_no_maps_stays():
    flat = model(SLOPES.reshape(-1), ("n", 7))
    assert in_parts(flat) is flat
