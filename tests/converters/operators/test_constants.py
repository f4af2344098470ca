"""Constants computed from constants: every operator against ONNX Runtime, and what is refused."""

import numpy as np
import onnx
import onnxruntime
import pytest

from protoface.converters import ProtofaceError, from_onnx
from protoface.converters.caffe_graph import CaffeGraph
from protoface.converters.onnx_node import OnnxNode
from protoface.converters.operators import constants
from protoface.converters.operators.constants import COMPUTED, folded

from .models import parsed

A = np.arange(-6, 6, dtype=np.float32).reshape(3, 4)
POSITIVE = np.abs(A) + 0.5
WHOLE = np.array([7, -7, 8], np.int64)
TWO = np.array([2, 3, -3], np.int64)

#: Operator with its attributes -> its inputs.
CASES = {
    "Add(a, b)": (A, POSITIVE),
    "Sub(a, b)": (A, POSITIVE[:, :1]),
    "Mul(a, b)": (A, POSITIVE[:1]),
    "Div(a, b)": (A, POSITIVE),
    "Div (a, b)": (WHOLE, TWO),  # rounded towards 0
    "Exp(a)": (A,),
    "Floor(a)": (A / 4,),
    "Neg(a)": (WHOLE,),
    "Reciprocal(a)": (POSITIVE,),
    "Sqrt(a)": (POSITIVE,),
    "Identity(a)": (A,),
    "Cast<to=6>(a)": (A,),
    "Concat<axis=1>(a, b)": (A, POSITIVE),
    "ConstantOfShape(a)": (np.array([2, 3]),),
    "Expand(a, b)": (A[:, :1], np.array([2, 1, 4])),
    "Gather<axis=1>(a, b)": (A, np.array([[0, -1], [2, 2]])),
    "Reshape(a, b)": (A, np.array([2, -1])),
    "Shape(a)": (A,),
    "Slice(a, b, c)": (A, np.array([1, 0]), np.array([3, 2])),
    "Slice(a, b, c, d, e)": (A, np.array([-1]), np.array([-5]), np.array([1]), np.array([-2])),
    "Squeeze(a, b)": (A[:, None], np.array([1])),
    "Squeeze(a)": (A[:, None],),
    "Transpose<perm=[1, 0]>(a)": (A,),
    "Unsqueeze(a, b)": (A, np.array([0, 3])),
}


def graph_of(text, arrays):
    """The one node of a text, and a graph that knows its inputs."""
    model = parsed(f"(float[1] x) => (y) {{ y = {text} }}")
    graph = CaffeGraph({})
    for name, array in zip("abcde", arrays, strict=False):
        graph.store(name, array)
    return graph, OnnxNode(model.graph.node[0], 17), model


def by_onnxruntime(model, arrays):
    del model.graph.input[:]
    for name, array in zip("abcde", arrays, strict=False):
        model.graph.initializer.append(onnx.numpy_helper.from_array(array, name))
    (model.graph.output[0]).ClearField("type")
    run = onnxruntime.InferenceSession(
        onnx.shape_inference.infer_shapes(model).SerializeToString(), providers=["CPUExecutionProvider"]
    )
    return run.run(None, {})[0]


@pytest.mark.parametrize("text", CASES)
def test_as_onnx_runtime_computes_it(text):
    graph, node, model = graph_of(text, CASES[text])
    assert folded(graph, node)
    expected = by_onnxruntime(model, CASES[text])
    assert graph.constants["y"].dtype == expected.dtype
    np.testing.assert_allclose(graph.constants["y"], expected, rtol=1e-6)


def test_every_operator_has_a_case():
    assert {text.partition("(")[0].partition("<")[0].strip() for text in CASES} == set(COMPUTED)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Constant<value_float=1.5>()", np.float32(1.5)),
        ("Constant<value_int=3>()", np.int64(3)),
        ("Constant<value_ints=[1, 2]>()", np.array([1, 2], np.int64)),
        ("Constant<value = float[2] {1, 2}>()", np.array([1, 2], np.float32)),
    ],
)
def test_constants_as_they_stand(text, expected):
    graph, node, _ = graph_of(text, ())
    assert folded(graph, node)
    assert graph.constants["y"].dtype == expected.dtype
    np.testing.assert_array_equal(graph.constants["y"], expected)


def test_the_shape_of_what_is_not_known_is():
    graph, node, _ = graph_of("Shape<start=1>(x)", ())
    graph.input("x", (2, 3, 4))
    assert folded(graph, node)
    assert graph.constants["y"].tolist() == [3, 4]


@pytest.mark.parametrize(
    ("text", "arrays"), [("Add(a, x)", (A,)), ("Relu(a)", (A,)), ("Add(x, x)", ())]
)
def test_what_is_not_known_is_left_to_layers(text, arrays):
    graph, node, _ = graph_of(text, arrays)
    graph.input("x", (3, 4))
    assert not folded(graph, node)
    assert "y" not in graph.constants


@pytest.mark.parametrize(
    ("text", "arrays", "message"),
    [
        ("Add(a, b)", (A, np.ones(3, np.float32)), r"its constants do not fit"),
        ("Reshape(a, b)", (A, np.array([5])), r"its constants do not fit"),
        ("Slice(a, b)", (A, np.array([0])), r"its bounds must be inputs"),
        (
            "ConstantOfShape(a)",
            (np.array([1 << 11, 1 << 10]),),
            r"makes a constant of shape \[2048, 1024\]",
        ),
        (
            "Expand(a, b)",
            (A[:, :1], np.array([3, 1 << 20])),
            r"makes a constant of shape \[3, 1048576\]",
        ),
        ('Constant<value_string="a">()', (), "holds no numbers"),
    ],
)
def test_what_is_refused(text, arrays, message):
    graph, node, _ = graph_of(text, arrays)
    with pytest.raises(ProtofaceError, match=rf"^node 'y' \(\w+\): .*{message}"):
        folded(graph, node)


def test_more_than_its_file_is_good_for_is_refused(monkeypatch):
    monkeypatch.setattr(constants, "LARGEST", 1 << 30)
    body = "{ c = ConstantOfShape(s)\n y = Add(x, c) }"
    text = f"(float[1] x) => (float y) <int64[2] s = {{4096, 4096}}> {body}"
    with pytest.raises(ProtofaceError, match="out of all proportion to the file"):
        from_onnx(parsed(text), "m.onnx")
