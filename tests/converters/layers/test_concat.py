"""Concat along `axis` or the old `concat_dim`."""

import numpy as np
import pytest

from protoface.converters import ProtofaceError, build_graph


def concat(axis):
    return lambda bottoms, blobs: np.concatenate(bottoms, axis)


@pytest.mark.parametrize(
    ("options", "shapes", "axis"),
    [
        ("", [(1, 2, 4, 5), (1, 3, 4, 5)], 1),
        ("", [(1, 2), (1, 3), (1, 1)], 1),
        ("axis: 2", [(1, 2, 4, 5), (1, 2, 1, 5)], 2),
        ("axis: -1", [(1, 2, 4, 5), (1, 2, 4, 2)], 3),
        ("concat_dim: 3", [(1, 2, 4, 5), (1, 2, 4, 2)], 3),
        ("", [(1, 2, 4, 5)], 1),
    ],
)
def test_axis(parity, options, shapes, axis):
    parity("Concat", f"concat_param {{ {options} }}", shapes, concat(axis))


def test_along_the_batch(parity):
    parity("Concat", "concat_param { axis: 0 }", [(1, 3, 2, 2), (1, 3, 2, 2)], concat(0))


@pytest.mark.parametrize(
    ("options", "shapes", "message"),
    [
        ("axis: 1 concat_dim: 1", [(1, 2)], "both axis and concat_dim"),
        ("axis: 4", [(1, 2, 4, 5)], "axis 4 is outside"),
        ("", [(1, 2, 4, 5), (1, 2, 4, 4)], r"\[1, 2, 4, 4\] does not fit \[1, 2, 4, 5\] off axis 1"),
        ("", [(1, 2, 4, 5), (1, 2)], "does not fit"),
    ],
)
def test_bad_options(one_layer, options, shapes, message):
    net = one_layer("Concat", f"concat_param {{ {options} }}", shapes)
    with pytest.raises(ProtofaceError, match=rf"layer 'layer' \(Concat\): .*{message}"):
        build_graph(net, "net")


def test_no_bottom(one_layer):
    with pytest.raises(ProtofaceError, match=r"layer 'layer' \(Concat\)"):
        build_graph(one_layer("Concat", "", []), "net")


@pytest.mark.parametrize("bottoms", [["x", "c"], ["c", "x"], ["x", "c", "x"]])
def test_an_input_beside_a_constant(net_of, filled, agree, bottoms):
    """OpenCV 4 gave out memory that it had not set."""
    net = net_of(
        "input: 'x' input_shape { dim: [1, 4, 6, 6] } "
        "layer { name: 'p' type: 'Parameter' top: 'c' parameter_param { shape { dim: [1, 2, 6, 6] } } }"
        "layer { name: 'k' type: 'Concat' top: 'y' }"
    )
    net.layer[-1].bottom.extend(bottoms)
    agree(filled(net), batches=[1])
