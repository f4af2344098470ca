"""Split: one blob under several names."""

import pytest

from protoface.converters import ProtofaceError, build_graph


@pytest.mark.parametrize("tops", [1, 2, 3])
def test_copies(parity, tops):
    parity("Split", "", [(1, 3, 4, 5)], lambda bottoms, blobs: [bottoms[0]] * tops, tops=tops)


def test_in_the_middle_of_a_net(agree, net_of, filled):
    net = net_of("""
        layer { name: 'x' type: 'Input' top: 'x' input_param { shape { dim: [1, 2, 5, 5] } } }
        layer { name: 'x_split' type: 'Split' bottom: 'x' top: 'x_0' top: 'x_1' }
        layer { name: 'c' type: 'Convolution' bottom: 'x_0' top: 'c'
                convolution_param { num_output: 2 kernel_size: 3 pad: 1 } }
        layer { name: 'r' type: 'ReLU' bottom: 'x_1' top: 'x_1' }
        layer { name: 'e' type: 'Eltwise' bottom: 'c' bottom: 'x_1' top: 'e' }""")
    agree(filled(net))


def test_two_bottoms(one_layer):
    with pytest.raises(ProtofaceError, match=r"layer 'layer' \(Split\): has 2 bottoms"):
        build_graph(one_layer("Split", "", [(1, 2), (1, 2)], tops=2), "net")
