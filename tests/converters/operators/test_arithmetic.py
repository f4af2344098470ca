"""Sums and products, with values and constants, against ONNX Runtime."""

import pytest

from protoface.converters import ProtofaceError, from_onnx

IO = "(float[N,4,3,3] x) => (float[N,4,3,3] y)"


@pytest.mark.parametrize(
    ("body", "kinds"),
    [
        ("a = Relu(x) \n y = Add(x, a)", ["ReLU", "Eltwise"]),
        ("a = Relu(x) \n y = Sub(x, a)", ["ReLU", "Eltwise"]),
        ("a = Relu(x) \n y = Mul(x, a)", ["ReLU", "Eltwise"]),
        ("a = Sigmoid(x) \n y = Div(x, a)", ["Sigmoid", "Power", "Eltwise"]),
        ("a = Relu(x) \n y = Sum(x, a, x)", ["ReLU", "Eltwise"]),
        ("a = Neg(x) \n y = Max(x, a)", ["Power", "Eltwise"]),
        ("y = Sum(x)", ["Split"]),
        ("y = Add(x, one)", ["Power"]),
        ("y = Sub(one, x)", ["Power", "Power"]),
        ("y = Mul(one, x)", ["Power"]),
        ("y = Div(x, one)", ["Power"]),
        ("y = Add(x, c)", ["Bias"]),
        ("y = Sub(x, c)", ["Bias"]),
        ("y = Sub(c, x)", ["Power", "Bias"]),
        ("y = Mul(x, c)", ["Scale"]),
        ("y = Mul(x, rows)", ["Scale"]),
        ("y = Add(row, x)", ["Bias"]),
        ("y = Div(x, c)", ["Scale"]),
        ("a = Mul(x, c) \n y = Add(a, c)", ["Scale"]),
        ("a = Mul(x, c) \n b = Add(a, c) \n y = Add(a, b)", ["Scale", "Bias", "Eltwise"]),
        ("a = Mul(x, c) \n y = Add(a, rows)", ["Scale", "Bias"]),
        ("a = Conv(x, k) \n y = Add(c, a)", ["Convolution"]),
        ("a = Conv(x, k) \n b = Add(a, c) \n y = Add(b, c)", ["Convolution", "Bias"]),
        ("m = GlobalAveragePool(x) \n y = Mul(x, m)", ["Pooling", "Flatten", "Scale"]),
        ("m = GlobalAveragePool(x) \n y = Sub(x, m)", ["Pooling", "Power", "Flatten", "Bias"]),
        (
            "m = Sigmoid(x) \n n = GlobalAveragePool(m) \n y = Div(x, n)",
            ["Sigmoid", "Pooling", "Power", "Flatten", "Scale"],
        ),
        ("m = ReduceMean<axes=[1]>(x) \n y = Mul(x, m)", ["Convolution", "Tile", "Eltwise"]),
        ("m = GlobalAveragePool(x) \n y = Add(m, x)", ["Pooling", "Flatten", "Bias"]),
    ],
)
def test_sums_and_products(carried, noise, body, kinds):
    weights = {"c": noise(4, 1, 1), "rows": noise(4, 3, 1), "row": noise(3), "k": noise(4, 4, 1, 1)}
    net = carried(f"{IO} <float one = {{1.5}}> {{ {body} }}", weights, batches=(1, 2))
    assert [layer.type for layer in net.layer[1:]] == kinds


@pytest.mark.parametrize(("operator", "kind"), [("Mul", "Scale"), ("Add", "Bias")])
def test_a_value_of_fewer_axes(carried, operator, kind):
    text = f"(float[1,4,3,3] x, float[3,3] s) => (float[1,4,3,3] y) {{ y = {operator}(s, x) }}"
    net = carried(text, batches=[None])
    assert [layer.type for layer in net.layer[2:]] == [kind]


def test_matmul_and_add_are_one_layer(carried, noise):
    text = "(float[N,6] x) => (float[N,4] y) { a = MatMul(x, w) \n y = Add(a, b) }"
    net = carried(text, {"w": noise(6, 4), "b": noise(4)}, batches=(1, 3))
    assert [layer.type for layer in net.layer] == ["Input", "InnerProduct"]
    assert net.layer[1].inner_product_param.bias_term


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("y = Add(x, big)", r"a constant of shape \[2, 4, 3, 3\] does not fit \[1, 4, 3, 3\]"),
        ("y = Add(x, five)", r"a constant of shape \[5\] does not fit"),
        ("y = Pow(x, row)", "one number must be"),
    ],
)
def test_what_caffe_cannot(model_of, noise, body, message):
    weights = {"big": noise(2, 4, 3, 3), "five": noise(5), "row": noise(3)}
    with pytest.raises(ProtofaceError, match=message):
        from_onnx(model_of(f"{IO} {{ {body} }}", weights), "m.onnx")
