"""MeanShape: a shape in the net."""

import pytest

from protoface.converters import ProtofaceError, build_graph


def test_is_added(parity):
    parity(
        "MeanShape",
        "mean_shape_param { shape: [3, 4, 5.5, -6] }",
        [(1, 4)],
        lambda bottoms, blobs: bottoms[0] + [3, 4, 5.5, -6],
    )


@pytest.mark.parametrize(
    ("numbers", "shape", "message"),
    [
        ("[1, 2, 3]", (1, 4), "has a shape of 3 numbers, it needs 4"),
        ("[1, 2, 3, inf]", (1, 4), "it needs 4 finite ones"),
        ("[1, 2]", (1, 3), "is no shape"),
        ("[1, 2]", (1, 2, 1), "is no shape"),
    ],
)
def test_bad_options(one_layer, numbers, shape, message):
    net = one_layer("MeanShape", f"mean_shape_param {{ shape: {numbers} }}", [shape])
    with pytest.raises(ProtofaceError, match=rf"layer 'layer' \(MeanShape\): .*{message}"):
        build_graph(net, "net")
