"""Axpy."""

import pytest

from protoface.converters import ProtofaceError, build_graph

SHAPE = (1, 3, 4, 5)


@pytest.mark.parametrize("factor", [(1, 3), (1, 3, 1, 1)])
def test_formula(parity, factor):
    def axpy(bottoms, blobs):
        a, x, y = bottoms
        return a.reshape(-1, 3, 1, 1) * x + y

    parity("Axpy", "", [factor, SHAPE, SHAPE], axpy)


def test_inside_a_net(agree, net_of):
    """A squeeze-and-excitation block."""
    net = net_of("""
        layer { name: 'x' type: 'Input' top: 'x' input_param { shape { dim: [1, 3, 4, 5] } } }
        layer { name: 'p' type: 'Pooling' bottom: 'x' top: 'p'
                pooling_param { pool: AVE global_pooling: true } }
        layer { name: 's' type: 'Sigmoid' bottom: 'p' top: 'p' }
        layer { name: 'a' type: 'Axpy' bottom: 'p' bottom: 'x' bottom: 'x' top: 'y' }""")
    agree(net)


@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        ([(1, 3), SHAPE], "has 2 bottoms, Caffe takes 3"),
        ([(1, 4), SHAPE, SHAPE], "do not fit"),
        ([(1, 3), SHAPE, (1, 3, 4, 4)], "do not fit"),
        ([(1, 3), (1, 3), (1, 3)], "do not fit"),
    ],
)
def test_bad_bottoms(one_layer, shapes, message):
    with pytest.raises(ProtofaceError, match=rf"layer 'layer' \(Axpy\): .*{message}"):
        build_graph(one_layer("Axpy", "", shapes), "net")
