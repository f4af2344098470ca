"""Gemm and MatMul against ONNX Runtime."""

import pytest

from protoface.converters import ProtofaceError, from_onnx

IO = "(float[N,6] x) => (float[N,4] y)"


@pytest.mark.parametrize(
    "body",
    [
        "y = Gemm(x, w, b)",
        "y = Gemm(x, w)",
        "y = Gemm<transB=1>(x, v, b)",
        "y = Gemm<alpha=0.5, beta=2.0>(x, w, b)",
        "y = Gemm(x, w, one)",
        "y = MatMul(x, w)",
    ],
)
def test_matrices(carried, noise, body):
    net = carried(
        f"{IO} <float one = {{2}}> {{ {body} }}",
        {"w": noise(6, 4), "v": noise(4, 6), "b": noise(1, 4)},
        batches=(1, 3),
    )
    assert [layer.type for layer in net.layer] == ["Input", "InnerProduct"]


def test_along_the_last_of_three_axes(carried, noise):
    carried("(float[1,5,6] x) => (float[1,5,4] y) { y = MatMul(x, w) }", {"w": noise(6, 4)})


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("y = Gemm<transA=1>(x, w)", "transA"),
        ("y = MatMul(x, x)", "input 1 must be a constant"),
        ("y = Gemm(x, v)", r"its weights \[\[6, 4\]\] do not fit \[\(6, 6\)\]"),
    ],
)
def test_what_caffe_cannot(model_of, noise, body, message):
    with pytest.raises(ProtofaceError, match=message):
        from_onnx(model_of(f"{IO} {{ {body} }}", {"w": noise(6, 4), "v": noise(4, 6)}), "m.onnx")
