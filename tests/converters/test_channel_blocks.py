"""Convolutions of whole blocks of channels: the same numbers, with and without what can be filled."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from protoface.converters.channel_blocks import in_blocks


def conv(name, source, outputs, inputs, group=1):
    """A node, and its weights and bias."""
    rng = np.random.default_rng(outputs)
    weights = rng.normal(0, 1, (outputs, inputs // group, 3, 3)).astype(np.float32)
    bias = rng.normal(0, 1, outputs).astype(np.float32)
    node = helper.make_node("Conv", [source, f"{name}.w", f"{name}.b"], [name], group=group)
    constants = {f"{name}.w": weights, f"{name}.b": bias}
    return node, [numpy_helper.from_array(array, key) for key, array in constants.items()]


def model(between, first=10, second=6, outputs=("y",), group=1):
    """A Conv, nodes between, another Conv."""
    one, weights = conv("x", "data", first, 3)
    two, others = conv("y", between[-1].output[0], second, first, group)
    slope = np.linspace(-1, 1, first, dtype=np.float32).reshape(-1, 1, 1)
    constants = [*weights, *others, numpy_helper.from_array(slope, "slope")]
    given = helper.make_tensor_value_info("data", TensorProto.FLOAT, ("n", 3, "h", "w"))
    made = [helper.make_tensor_value_info(name, TensorProto.FLOAT, "nchw") for name in outputs]
    graph = helper.make_graph([one, *between, two], "net", [given], made, constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)


PRELU = helper.make_node("PRelu", ["x", "slope"], ["a"])
POOL = helper.make_node("MaxPool", ["a"], ["b"], kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1)


def outputs_of(made):
    onnxruntime = pytest.importorskip("onnxruntime")
    x = np.random.default_rng(0).normal(0, 1, (2, 3, 17, 19)).astype(np.float32)
    options = {"providers": ["CPUExecutionProvider"]}
    return onnxruntime.InferenceSession(made.SerializeToString(), **options).run(None, {"data": x})


def test_the_last_block_is_filled_and_no_number_changes():
    before = model([PRELU, POOL])
    after = in_blocks(before)
    onnx.checker.check_model(after)
    shapes = {tensor.name: list(tensor.dims) for tensor in after.graph.initializer}
    held = [[shapes[name] for name in node.input if name in shapes] for node in after.graph.node]
    assert held == [[[16, 3, 3, 3], [16]], [[16, 1, 1]], [], [[6, 16, 3, 3], [6]]]
    assert before == model([PRELU, POOL])  # what was given stays
    np.testing.assert_allclose(outputs_of(after)[0], outputs_of(before)[0], rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize(
    "made",
    [
        model([PRELU, POOL], first=16),  # a whole block
        model([PRELU, POOL], first=7),  # less than half of one
        model([PRELU, POOL], outputs=("a", "y")),  # what is read must keep its channels
        model([PRELU, POOL], first=10, second=10, group=10),
        model([helper.make_node("Softmax", ["x"], ["a"], axis=1), POOL]),  # of all channels
    ],
)
def test_what_must_not_change_stays(made):
    assert in_blocks(made) is made
