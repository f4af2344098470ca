"""Exp with every option."""

import numpy as np
import pytest

from protoface.converters import ProtofaceError, build_graph


def power(base=np.e, scale=1, shift=0):
    return lambda bottoms, blobs: base ** (shift + scale * bottoms[0])


@pytest.mark.parametrize(
    ("options", "values"),
    [
        ("", {}),
        ("base: -1", {}),
        ("base: 2", {"base": 2}),
        ("base: 0.5", {"base": 0.5}),
        ("base: 1", {"base": 1}),
        ("scale: 0.5", {"scale": 0.5}),
        ("scale: 0", {"scale": 0}),
        ("shift: -1", {"shift": -1}),
        ("base: 2 scale: -0.5 shift: 3", {"base": 2, "scale": -0.5, "shift": 3}),
    ],
)
@pytest.mark.parametrize("shape", [(1, 6), (1, 3, 4, 5)])
def test_options(parity, shape, options, values):
    parity("Exp", f"exp_param {{ {options} }}", [shape], power(**values))


@pytest.mark.parametrize("base", [0, -2])
def test_bad_base(one_layer, base):
    net = one_layer("Exp", f"exp_param {{ base: {base} }}", [(1, 4)])
    with pytest.raises(ProtofaceError, match=rf"layer 'layer' \(Exp\): base {base} must be"):
        build_graph(net, "net")


def test_two_bottoms(one_layer):
    net = one_layer("Exp", "", [(1, 4), (1, 4)])
    with pytest.raises(ProtofaceError, match=r"layer 'layer' \(Exp\): has 2 bottoms, Caffe takes 1"):
        build_graph(net, "net")
