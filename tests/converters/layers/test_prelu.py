"""PReLU with a slope per channel and with one for all."""

import numpy as np
import pytest

from protoface.converters import ProtofaceError, build_graph


def prelu(bottoms, blobs):
    x = bottoms[0]
    slope = blobs[0].reshape(-1, *(1,) * (x.ndim - 2)) if blobs[0].ndim else blobs[0]
    return np.maximum(x, 0) + slope * np.minimum(x, 0)


@pytest.mark.parametrize("shared", ["false", "true"])
@pytest.mark.parametrize("shape", [(1, 4), (1, 4, 3), (1, 4, 3, 5)])
def test_prelu(parity, shape, shared):
    parity("PReLU", f"prelu_param {{ channel_shared: {shared} }}", [shape], prelu)


def test_shapes_and_fillers(one_layer):
    for options, shape, value in (
        ("", (4,), 0.25),
        ("channel_shared: true", (), 0.25),
        ("filler { type: 'constant' value: 0.5 }", (4,), 0.5),
    ):
        net = one_layer("PReLU", f"prelu_param {{ {options} }}", [(1, 4, 3)])
        (spec,) = build_graph(net, "net").blob_specs().values()
        assert (spec.shape, spec.filler.value) == (shape, value)


@pytest.mark.parametrize(
    ("shapes", "message"), [([(4,)], "has no channels"), ([(1, 4), (1, 4)], "has 2 bottoms")]
)
def test_bad_bottoms(one_layer, shapes, message):
    with pytest.raises(ProtofaceError, match=rf"layer 'layer' \(PReLU\): .*{message}"):
        build_graph(one_layer("PReLU", "", shapes), "net")
