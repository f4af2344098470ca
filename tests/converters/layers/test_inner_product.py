"""InnerProduct: flattened from `axis` in C, H, W order, times the weight or its transpose."""

import math

import pytest

from protoface.converters import ProtofaceError, build_graph

SHAPE = (1, 3, 4, 5)


def product(axis=1, transpose=False):
    def reference(bottoms, blobs):
        x, (weight, *bias) = bottoms[0], blobs
        flat = x.reshape(*x.shape[:axis], math.prod(x.shape[axis:]))
        return flat @ (weight if transpose else weight.T) + (bias[0] if bias else 0)

    return reference


@pytest.mark.parametrize("bias", ["true", "false"])
@pytest.mark.parametrize("transpose", ["false", "true"])
@pytest.mark.parametrize("shape", [(1, 6), SHAPE])
def test_weight_and_bias(parity, shape, transpose, bias):
    options = f"num_output: 7 transpose: {transpose} bias_term: {bias}"
    reference = product(transpose=transpose == "true")
    parity("InnerProduct", f"inner_product_param {{ {options} }}", [shape], reference)


@pytest.mark.parametrize("transpose", ["false", "true"])
@pytest.mark.parametrize(("axis", "first"), [(2, 2), (3, 3), (-1, 3), (-3, 1)])
def test_axis(parity, axis, first, transpose):
    options = f"num_output: 2 axis: {axis} transpose: {transpose}"
    reference = product(first, transpose == "true")
    parity("InnerProduct", f"inner_product_param {{ {options} }}", [SHAPE], reference)


def test_axis_without_bias(parity):
    options = "inner_product_param { num_output: 2 axis: 2 bias_term: false }"
    parity("InnerProduct", options, [SHAPE], product(2))


def test_axis_of_a_matrix_in_a_batch(parity):
    parity("InnerProduct", "inner_product_param { num_output: 2 axis: 2 }", [(1, 3, 4)], product(2))


def test_axis_0_takes_the_batch_in(parity):
    options = "inner_product_param { num_output: 4 axis: 0 }"
    parity("InnerProduct", options, [(2, 3)], product(0), batches=[2])


def test_multiply_adds_and_shapes(one_layer):
    net = one_layer("InnerProduct", "inner_product_param { num_output: 7 transpose: true }", [SHAPE])
    graph = build_graph(net, "net")
    assert [spec.shape for spec in graph.blob_specs().values()] == [(60, 7), (7,)]
    assert graph.multiply_adds() == 60 * 7


@pytest.mark.parametrize(
    ("options", "shapes", "message"),
    [
        ("", [SHAPE], "num_output must be at least 1"),
        ("num_output: 2 axis: 4", [SHAPE], "axis 4 is outside"),
        ("num_output: 2", [SHAPE, SHAPE], "has 2 bottoms"),
    ],
)
def test_bad_options(one_layer, options, shapes, message):
    net = one_layer("InnerProduct", f"inner_product_param {{ {options} }}", shapes)
    with pytest.raises(ProtofaceError, match=rf"layer 'layer' \(InnerProduct\): .*{message}"):
        build_graph(net, "net")
