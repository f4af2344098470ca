"""Gather against ONNX Runtime."""

import numpy as np
import pytest

from protoface.converters import ProtofaceError, from_onnx
from protoface.converters.runtimes import run_pytorch

IO = "(float[N,4,6,6] x) => (float y)"


@pytest.mark.parametrize("axis", [1, -1])
@pytest.mark.parametrize(
    ("places", "types"),
    [
        ("int64 i = {2}", ["Slice", "Reshape", "Silence"]),
        ("int64 i = {-1}", ["Slice", "Reshape", "Silence"]),
        ("int64[2] i = {0, 1}", ["Slice", "Silence"]),
        ("int64[2] i = {-2, -1}", ["Slice", "Silence"]),
    ],
)
def test_places_of_a_value(carried, places, types, axis):
    net = carried(f"{IO} <{places}> {{ y = Gather<axis={axis}>(x, i) }}", batches=(1, 2))
    found = [layer.type for layer in net.layer[1:]]
    assert [kind.replace("Flatten", "Reshape") for kind in found] == types


def test_all_places(carried):
    carried("(float[N,4,1] x) => (float y) <int64 i = {0}> { y = Gather<axis=2>(x, i) }")


def test_rows_of_a_table(model_of, noise):
    model = model_of(
        "(float[N,3] x) => (float[N,3,2] y) { i = Cast<to=7>(x) \n y = Gather(t, i) }",
        {"t": noise(5, 2)},
    )
    net = from_onnx(model, "m.onnx")
    assert [layer.type for layer in net.layer] == ["Input", "Embed"]
    rows = run_pytorch(net, np.float64)({"x": np.array([[4, 0, 2.0]])})["y"]
    assert np.array_equal(rows, noise(5, 2)[None, [4, 0, 2]])


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("y = Gather<axis=1>(x, d)", "do not follow each other"),
        ("y = Gather<axis=1>(x, none)", "takes nothing"),
        ("i = Cast<to=7>(x) \n y = Gather(w, i)", "takes no rows of a matrix"),
        ("i = Cast<to=7>(x) \n y = Gather<axis=1>(t, i)", "takes no rows of a matrix"),
    ],
)
def test_what_caffe_cannot(model_of, noise, body, message):
    constants = "<int64[2] d = {1, 0}>"
    weights = {"w": noise(2, 3, 4), "t": noise(3, 4), "none": np.zeros(0, np.int64)}
    with pytest.raises(ProtofaceError, match=f"m.onnx: node '.*{message}"):
        from_onnx(model_of(f"{IO} {constants} {{ {body} }}", weights), "m.onnx")
