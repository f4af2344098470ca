"""Functions of one value at a time against ONNX Runtime."""

import pytest

from protoface.converters import ProtofaceError, from_onnx

IO = "(float[N,3,5,4] x) => (float[N,3,5,4] y)"


@pytest.mark.parametrize(
    ("body", "kinds"),
    [
        ("y = Relu(x)", ["ReLU"]),
        ("y = LeakyRelu<alpha=0.2>(x)", ["ReLU"]),
        ("y = LeakyRelu(x)", ["ReLU"]),
        ("y = Elu<alpha=0.5>(x)", ["ELU"]),
        ("y = Sigmoid(x)", ["Sigmoid"]),
        ("y = Tanh(x)", ["TanH"]),
        ("y = Abs(x)", ["AbsVal"]),
        ("y = Exp(x)", ["Exp"]),
        ("y = Softplus(x)", ["BNLL"]),
        ("t = Greater(x, half) \n y = Cast<to=1>(t)", ["Threshold", "Split"]),
        ("y = Neg(x)", ["Power"]),
        ("y = Clip(x, zero, six)", ["ReLU6"]),
        ("y = Clip(x, zero)", ["ReLU"]),
        ("y = Clip(x, third, six)", ["Clip"]),
        ('y = Clip(x, "", third)', ["Clip"]),
        ("y = HardSigmoid<alpha=0.3>(x)", ["Power", "Clip"]),
        ("y = HardSwish(x)", ["Power", "Clip", "Eltwise"]),
        ("s = Sigmoid(x) \n y = Mul(x, s)", ["Sigmoid", "Eltwise"]),
        ("y = PRelu(x, slope)", ["PReLU"]),
        ("y = PRelu(x, third)", ["PReLU"]),
        ("y = Softmax<axis=1>(x)", ["Softmax"]),
        ("y = Softmax(x)", ["Softmax"]),
        ("y = LogSoftmax<axis=1>(x)", ["Softmax", "Log"]),
        ("d = Dropout(x) \n y = Relu(d)", ["ReLU"]),
        ("y = Identity(x)", ["Split"]),
    ],
)
def test_activation(carried, noise, body, kinds):
    constants = "<float half = {0.5}, float zero = {0}, float six = {6}, float third = {0.3}>"
    net = carried(f"{IO} {constants} {{ {body} }}", {"slope": noise(3, 1, 1)}, shift=0.5)
    assert [layer.type for layer in net.layer[1:]] == kinds


@pytest.mark.parametrize(
    "body", ["y = Log(x)", "y = Sqrt(x)", "y = Reciprocal(x)", "y = Pow(x, e)", "y = Pow(e, x)"]
)
def test_of_positive_numbers(carried, body):
    carried(f"{IO} <float e = {{2.5}}> {{ {body} }}", shift=9)


@pytest.mark.parametrize(
    ("body", "opset", "message"),
    [
        ("y = Softmax<axis=1>(x)", 11, "export with opset 13 or more"),
        ("y = PRelu(x, w)", 17, "neither one per channel"),
        (
            "y = Gelu(x)",
            20,
            r"node 'y' \(Gelu\): the operator Gelu has no Caffe layer here; known: Abs",
        ),
        ("y = Clip(x, x)", 17, "input 1 must be a constant"),
    ],
)
def test_what_caffe_cannot(model_of, noise, body, opset, message):
    with pytest.raises(ProtofaceError, match=message):
        from_onnx(model_of(f"{IO} {{ {body} }}", {"w": noise(3, 5, 4)}, opset), "m.onnx")
