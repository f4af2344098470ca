"""Eltwise: product, weighted sum, maximum."""

from functools import reduce

import numpy as np
import pytest

from protoface.converters import ProtofaceError, build_graph

SHAPE = (1, 3, 4, 5)


def total(*coefficients):
    weights = [float(np.float32(c)) for c in coefficients]
    return lambda bottoms, blobs: sum(c * x for c, x in zip(weights, bottoms, strict=True))


@pytest.mark.parametrize("count", [2, 3, 4])
def test_sum_is_the_default(parity, count):
    parity("Eltwise", "", [SHAPE] * count, total(*[1] * count))


@pytest.mark.parametrize("count", [2, 3])
@pytest.mark.parametrize(("operation", "function"), [("PROD", np.multiply), ("MAX", np.maximum)])
def test_product_and_maximum(parity, operation, function, count):
    options = f"eltwise_param {{ operation: {operation} }}"
    parity("Eltwise", options, [SHAPE] * count, lambda bottoms, blobs: reduce(function, bottoms))


@pytest.mark.parametrize("coefficients", [(1, -1), (0.3, 0.7), (2, 1, -0.1), (0, 1), (1, 1, 1)])
def test_coefficients(parity, coefficients):
    options = f"eltwise_param {{ coeff: {list(coefficients)} }}"
    parity("Eltwise", options, [SHAPE] * len(coefficients), total(*coefficients))


def test_matrices(parity):
    parity("Eltwise", "eltwise_param { coeff: [2, 3] }", [(1, 6)] * 2, total(2, 3))


@pytest.mark.parametrize("operation", ["SUM", "PROD", "MAX"])
def test_one_bottom_twice(agree, net_of, operation):
    net = net_of(f"""
        layer {{ name: 'x' type: 'Input' top: 'x' input_param {{ shape {{ dim: [1, 2, 3, 3] }} }} }}
        layer {{ name: 'e' type: 'Eltwise' bottom: 'x' bottom: 'x' top: 'y'
                 eltwise_param {{ operation: {operation} }} }}""")
    agree(net)


@pytest.mark.parametrize(
    ("options", "shapes", "message"),
    [
        ("", [SHAPE], "has 1 bottoms, Caffe takes 2 or more"),
        ("", [SHAPE, (1, 3, 4, 4)], "differ in shape"),
        ("coeff: 1", [SHAPE, SHAPE], "1 coeff for 2 bottoms"),
        ("operation: PROD coeff: [1, 2]", [SHAPE, SHAPE], "coeff works with SUM only"),
    ],
)
def test_bad_options(one_layer, options, shapes, message):
    net = one_layer("Eltwise", f"eltwise_param {{ {options} }}", shapes)
    with pytest.raises(ProtofaceError, match=rf"layer 'layer' \(Eltwise\): .*{message}"):
        build_graph(net, "net")
