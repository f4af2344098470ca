"""Reduction of trailing axes."""

import numpy as np
import pytest

from protoface.converters import ProtofaceError, build_graph

OPERATIONS = {
    "SUM": np.sum,
    "ASUM": lambda x, axis: np.abs(x).sum(axis),
    "SUMSQ": lambda x, axis: (x**2).sum(axis),
    "MEAN": np.mean,
}


def reduced(operation, axis, coefficient=1):
    def reference(bottoms, blobs):
        x = bottoms[0].reshape(*bottoms[0].shape[:axis], -1)
        return np.asarray(OPERATIONS[operation](x, -1) * coefficient)

    return reference


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("axis", [1, 2, 3])
@pytest.mark.parametrize("coefficient", [1, -0.5])
def test_trailing_axes(parity, operation, axis, coefficient):
    options = f"reduction_param {{ operation: {operation} axis: {axis} coeff: {coefficient} }}"
    parity("Reduction", options, [(1, 3, 4, 5)], reduced(operation, axis, coefficient))


def test_an_axis_from_behind(parity):
    options = "reduction_param { operation: MEAN axis: -1 }"
    parity("Reduction", options, [(1, 3, 4)], reduced("MEAN", 2))


@pytest.mark.parametrize("operation", OPERATIONS)
def test_everything_is_the_default(parity, operation):
    options = f"reduction_param {{ operation: {operation} coeff: 2 }}"
    parity("Reduction", options, [(2, 3, 4, 5)], reduced(operation, 0, 2), batches=[2])


@pytest.mark.parametrize(
    ("options", "shapes", "message"),
    [
        ("axis: 2", [(1, 2)], "axis 2 is outside"),
        ("", [(1, 2), (1, 2)], "has 2 bottoms"),
    ],
)
def test_bad_options(one_layer, options, shapes, message):
    net = one_layer("Reduction", f"reduction_param {{ {options} }}", shapes)
    with pytest.raises(ProtofaceError, match=rf"layer 'layer' \(Reduction\): .*{message}"):
        build_graph(net, "net")
