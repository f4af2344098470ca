"""Log with every option."""

import numpy as np
import pytest

from protoface.converters import ProtofaceError, build_graph


def logarithm(base=np.e, scale=1, shift=0):
    return lambda bottoms, blobs: np.log(shift + scale * bottoms[0]) / np.log(base)


@pytest.mark.parametrize(
    ("options", "values"),
    [
        ("", {}),
        ("base: -1", {}),
        ("base: 2", {"base": 2}),
        ("base: 0.5", {"base": 0.5}),
        ("base: 10", {"base": 10}),
        ("scale: 0.5", {"scale": 0.5}),
        ("scale: 0 shift: 3", {"scale": 0, "shift": 3}),
        ("shift: 2", {"shift": 2}),
        ("base: 2 scale: -0.5 shift: 30", {"base": 2, "scale": -0.5, "shift": 30}),
    ],
)
@pytest.mark.parametrize("shape", [(1, 6), (1, 3, 4, 5)])
def test_options(parity, shape, options, values):
    parity("Log", f"log_param {{ {options} }}", [shape], logarithm(**values), shift=10)


@pytest.mark.parametrize("base", [0, 1, -2])
def test_bad_base(one_layer, base):
    net = one_layer("Log", f"log_param {{ base: {base} }}", [(1, 4)])
    with pytest.raises(ProtofaceError, match=rf"layer 'layer' \(Log\): base {base} must be"):
        build_graph(net, "net")


def test_two_bottoms(one_layer):
    net = one_layer("Log", "", [(1, 4), (1, 4)])
    with pytest.raises(ProtofaceError, match=r"layer 'layer' \(Log\): has 2 bottoms, Caffe takes 1"):
        build_graph(net, "net")
