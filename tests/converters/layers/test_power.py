"""Power with every option, also those that make it constant."""

import pytest

from protoface.converters import ProtofaceError, build_graph


def power(exponent=1, scale=1, shift=0):
    return lambda bottoms, blobs: (shift + scale * bottoms[0]) ** exponent


@pytest.mark.parametrize(
    ("options", "values", "shift"),
    [
        ("", {}, 0),
        ("power: 2", {"exponent": 2}, 0),
        ("power: 3", {"exponent": 3}, 0),
        ("power: 0", {"exponent": 0}, 0),
        ("power: 0.5", {"exponent": 0.5}, 10),
        ("power: -0.75", {"exponent": -0.75}, 10),
        ("power: -1", {"exponent": -1}, 10),
        ("scale: 2", {"scale": 2}, 0),
        ("shift: -3", {"shift": -3}, 0),
        ("scale: 0", {"scale": 0}, 0),
        ("scale: 0 shift: 3", {"scale": 0, "shift": 3}, 0),
        ("power: 2 scale: 0 shift: 3", {"exponent": 2, "scale": 0, "shift": 3}, 0),
        ("power: 2 scale: 0.5 shift: -1", {"exponent": 2, "scale": 0.5, "shift": -1}, 0),
        ("power: 1.5 scale: -0.5 shift: 30", {"exponent": 1.5, "scale": -0.5, "shift": 30}, 10),
    ],
)
@pytest.mark.parametrize("shape", [(1, 6), (1, 3, 4, 5)])
def test_options(parity, shape, options, values, shift):
    parity("Power", f"power_param {{ {options} }}", [shape], power(**values), shift=shift)


def test_two_bottoms(one_layer):
    net = one_layer("Power", "", [(1, 4), (1, 4)])
    with pytest.raises(ProtofaceError, match=r"layer 'layer' \(Power\): has 2 bottoms, Caffe takes 1"):
        build_graph(net, "net")
