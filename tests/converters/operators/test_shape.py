"""Operators that only move values against ONNX Runtime."""

import pytest

from protoface.converters import ProtofaceError, from_onnx


@pytest.mark.parametrize(
    ("body", "kinds"),
    [
        ("y = Flatten(x)", ["Flatten"]),
        ("y = Flatten<axis=2>(x)", ["Reshape"]),
        ("y = Reshape(x, s0)", ["Flatten"]),
        ("y = Reshape(x, s1)", ["Reshape"]),
        ("y = Reshape(x, s2)", ["Flatten"]),
        ("y = Reshape(x, s3)", ["Split"]),
        ("g = GlobalAveragePool(x) \n y = Squeeze(g, a)", ["Pooling", "Flatten"]),
        ("f = Flatten(x) \n y = Unsqueeze(f, a)", ["Flatten", "Reshape"]),
        ("y = Transpose<perm=[0,2,3,1]>(x)", ["Permute"]),
        ("r = Relu(x) \n y = Concat<axis=1>(x, r)", ["ReLU", "Concat"]),
        ("r = Relu(x) \n y = Concat<axis=-1>(x, r)", ["ReLU", "Concat"]),
        ("y = Concat<axis=1>(x)", ["Split"]),
        ("y = Tile(x, tiles)", ["Tile", "Tile"]),
        ("y = Slice(x, one, two, one)", ["Slice", "Silence"]),
        ("y = Slice(x, a, far, a)", ["Slice", "Slice", "Silence"]),
        (
            "s = Shape(x) \n b = Gather(s, zero) \n m = Constant<value_ints=[-1]>() \n"
            "t = Concat<axis=0>(b, m) \n y = Reshape(x, t)",
            ["Flatten"],
        ),
    ],
)
def test_moved(carried, body, kinds):
    constants = (
        "<int64[2] s0 = {0, -1}, int64[5] s1 = {0, 2, 2, 3, 5}, int64[3] s2 = {0, 4, -1}, "
        "int64[4] s3 = {0, 0, 0, 0}, int64[2] a = {2, 3}, int64[1] one = {1}, int64[1] two = {2}, "
        "int64[4] tiles = {1, 2, 1, 3}, int64[2] far = {1000, 4}, int64[1] zero = {0}>"
    )
    net = carried(
        f"(float[N,4,3,5] x) => (float[] y) {constants} {{ {body} }}".replace("float[]", "float")
    )
    assert [layer.type for layer in net.layer[1:]] == kinds


@pytest.mark.parametrize("opset", [11, 17])
def test_split(carried, opset):
    sizes, attribute = ("", "<axis=1, split=[1,3]>") if opset < 13 else (", s", "<axis=1>")
    carried(
        f"(float[N,4,2,2] x) => (float[N,1,2,2] y, float[N,3,2,2] z) <int64[2] s = {{1,3}}> "
        f"{{ y, z = Split{attribute}(x{sizes}) }}",
        opset=opset,
    )


def test_outputs_that_are_read_on(carried):
    net = carried(
        "(float[N,4] x) => (float[N,4] a, float[N,4] b, float[N,4] c) "
        "{ a = Relu(x) \n b = Sigmoid(a) \n c = Identity(a) }"
    )
    assert {layer.type for layer in net.layer} == {"Input", "ReLU", "Sigmoid", "Split"}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("y = Reshape(x, bad)", r"\[1, 4, 3, 5\] cannot be given the shape \[7, -1\]"),
        ("y = Slice(x, one, two, one, two)", r"steps \[2\] cannot"),
        ("y = Concat<axis=1>(x, one)", "which no node before it makes of floats"),
        ("y = Cast<to=7>(x)", "is not computed by Caffe layers, as floats"),
        ("y = Relu(nothing)", "reads 'nothing', which no node before it makes"),
        ("y = Transpose<perm=[0,0,1,2]>(x)", "is no order of 4 axes"),
    ],
)
def test_what_caffe_cannot(model_of, noise, body, message):
    constants = "<int64[2] bad = {7, -1}, int64[1] one = {1}, int64[1] two = {2}>"
    text = f"(float[N,4,3,5] x) => (float[N,4,3,5] y) {constants} {{ {body} }}"
    with pytest.raises(ProtofaceError, match=message):
        from_onnx(model_of(text, {"w": noise(1, 4, 3, 5)}), "m.onnx")
