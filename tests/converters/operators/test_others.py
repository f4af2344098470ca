"""Normalisation, reductions, Resize, and what is computed beforehand, against ONNX Runtime."""

import numpy as np
import pytest

from protoface.converters import ProtofaceError, from_onnx
from protoface.converters.operators import operators
from protoface.converters.operators.constants import COMPUTED

IO = "(float[N,4,6,6] x) => (float y)"


@pytest.mark.parametrize("plain", [True, False])
def test_batch_normalization(carried, noise, plain):
    gamma, beta = (np.ones(4, np.float32), np.zeros(4, np.float32)) if plain else (noise(4), noise(4))
    weights = {"g": gamma, "b": beta, "m": noise(4), "v": noise(4) ** 2 + 0.5}
    net = carried(f"{IO} {{ y = BatchNormalization<epsilon=0.001>(x, g, b, m, v) }}", weights)
    expected = ["BatchNorm"] if plain else ["BatchNorm", "Scale"]
    assert [layer.type for layer in net.layer[1:]] == expected


def test_lrn(carried):
    carried(f"{IO} {{ y = LRN<size=3, alpha=0.5, beta=0.6, bias=2.0>(x) }}")


@pytest.mark.parametrize("kept", [0, 1])
@pytest.mark.parametrize("axes", ["2,3", "1", "1,2,3", "-1", "-2,-1"])
@pytest.mark.parametrize("operator", ["ReduceMean", "ReduceL1", "ReduceSumSquare"])
def test_reductions(carried, operator, axes, kept):
    if axes == "1" and operator != "ReduceMean":
        axes = "1,2,-1"  # the channels alone are refused, see below
    carried(f"{IO} {{ y = {operator}<axes=[{axes}], keepdims={kept}>(x) }}")


@pytest.mark.parametrize("factors", ["2, 2", "1.5, 3", "0.5, 1"])
def test_linear_between_the_corners(carried, factors):
    mode = '<mode="linear", coordinate_transformation_mode="align_corners">'
    net = carried(f'{IO} <float[4] s = {{1, 1, {factors}}}> {{ y = Resize{mode}(x, "", s) }}')
    assert net.layer[1].type == "Interp"


@pytest.mark.parametrize("factors", ["2, 2", "3, 1", "4, 2"])
@pytest.mark.parametrize(
    "mode", ["", '<coordinate_transformation_mode="asymmetric", nearest_mode="floor">']
)
def test_resize(carried, factors, mode):
    carried(f'{IO} <float[4] s = {{1, 1, {factors}}}> {{ y = Resize{mode}(x, "", s) }}')


def test_half_precision_comes_back_as_float32(carried, noise, model_of):
    model = model_of(
        "(float16[N,4] x) => (float16[N,3] y) { y = MatMul(x, w) }",
        {"w": noise(4, 3).astype(np.float16)},
    )
    net = from_onnx(model, "m.onnx")
    assert len(net.layer[1].blobs[0].data) == 12


@pytest.mark.parametrize("factors", ["2, 2", "1.5, 3", "0.5, 0.7", "0.2, 1"])
@pytest.mark.parametrize("coordinates", ["half_pixel", "pytorch_half_pixel", "asymmetric"])
def test_linear_beside_the_corners(carried, coordinates, factors):
    """Two products with what every new pixel takes of the old ones."""
    mode = f'<mode="linear", coordinate_transformation_mode="{coordinates}">'
    net = carried(
        f'{IO} <float[4] s = {{1, 1, {factors}}}> {{ y = Resize{mode}(x, "", s) }}', batches=(1, 2)
    )
    assert [layer.type for layer in net.layer[1:]] == ["InnerProduct", "Permute"] * 2


def test_linear_to_a_size(carried):
    carried(f'{IO} <int64[4] s = {{1, 4, 9, 8}}> {{ y = Resize<mode="linear">(x, "", "", s) }}')


def test_constants_that_are_read_as_values(carried, noise):
    """As in a net of boxes: they are exported as constants."""
    net = carried(f"{IO} {{ y = Concat<axis=1>(x, c) }}", {"c": noise(1, 2, 6, 6)})
    assert [layer.type for layer in net.layer] == ["Input", "Parameter", "Concat"]


def test_a_constant_as_an_output(model_of, noise):
    net = from_onnx(
        model_of("(float[1,2] x) => (float[2,3] c) { y = Relu(x) }", {"c": noise(2, 3)}), "m"
    )
    assert [(layer.type, layer.top) for layer in net.layer] == [("Parameter", ["c"])]
    assert np.array_equal(net.layer[0].blobs[0].data, noise(2, 3).reshape(-1))


@pytest.mark.parametrize(
    ("shape", "body"),
    [
        ("1,1,90000,90000", 'y = Resize<mode="linear">(x, "", s)'),
        ("1,900000000,1,1", 'y = Resize(x, "", s)'),
        ("1,900000000,1,1", "y = ReduceMean<axes=[1]>(x)"),
        ("1,64,9,9", "y = Conv<pads=[0,0,900,900]>(x, w)"),
        ("1,64,9,9", "y = ConvTranspose<pads=[0,0,900,900]>(x, w)"),
        ("1,1,90000,90000", "y = AveragePool<kernel_shape=[3,3], pads=[1,1,1,1]>(x)"),
        ("1,1,900000000,1", "y = AveragePool<kernel_shape=[1,1]>(x)"),
        ("1,3,900000000,3", "y = Add(x, c)"),
    ],
)
def test_weights_out_of_all_proportion(model_of, noise, shape, body):
    """Sizes in the file's text ask for gigabytes of weights; here is none of them."""
    weights = {"w": noise(64, 64, 1, 1), "c": noise(3, 1, 3)}
    text = f"(float[{shape}] x) => (float y) <float[4] s = {{1, 1, 2, 2}}> {{ {body} }}"
    with pytest.raises(ProtofaceError, match="out of all proportion to the file"):
        from_onnx(model_of(text, weights), "m.onnx")


def test_constants_out_of_all_proportion(model_of, noise):
    """Each alone is small enough; all together are 200 MB out of a file of 2 kB."""
    lines = [f"a{i} = ConstantOfShape(h)" for i in range(50)]
    body = " \n ".join([*lines, "y = Relu(x)"])
    with pytest.raises(ProtofaceError, match="out of all proportion to the file"):
        from_onnx(model_of(f"{IO} <int64[2] h = {{1000, 1000}}> {{ {body} }}"), "m.onnx")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ('y = Resize<mode="cubic">(x, "", s)', "cannot be expressed"),
        ('y = Resize<mode="linear", antialias=1>(x, "", t)', "antialias"),
        (
            'y = Resize<mode="linear", coordinate_transformation_mode="tf_crop_and_resize">(x, x, s)',
            "cannot be expressed",
        ),
        ("i = Cast<to=7>(x) \n y = Relu(i)", "Caffe's blobs hold floats only"),
        ('y = Resize(x, "", t)', "only whole factors"),
        ("y = ReduceMean<axes=[1, 2]>(x)", "Caffe reduces all trailing axes only"),
        ("y = BatchNormalization<training_mode=1>(x, w, w, w, w)", "training mode"),
        ("a = ConstantOfShape(h) \n y = Add(x, a)", "makes a constant of shape"),
        ("a = Add(f, r) \n y = Add(x, a)", "makes a constant of shape"),
    ],
)
def test_what_caffe_cannot(model_of, noise, body, message):
    constants = "<float[4] s = {1,1,2,2}, float[4] t = {1,1,1.5,2}, int64[2] h = {100000, 100000}>"
    weights = {"w": noise(4), "f": noise(9000), "r": noise(9000, 1)}
    with pytest.raises(ProtofaceError, match=message):
        from_onnx(model_of(f"{IO} {constants} {{ {body} }}", weights), "m.onnx")


def test_the_registry():
    assert list(operators()) == sorted(operators())
    assert {"Conv", "Gemm", "Relu"} <= set(operators())
    assert not {"Constant", "NonMaxSuppression"} & set(operators())
    assert set(COMPUTED) >= {"Shape", "Gather", "Concat"}
