"""Upsample."""

import numpy as np
import pytest

from protoface.converters import ProtofaceError, build_graph


@pytest.mark.parametrize("scale", [1, 2, 3])
def test_scale(parity, scale):
    parity(
        "Upsample",
        f"upsample_param {{ scale: {scale} }}",
        [(1, 3, 4, 5)],
        lambda bottoms, blobs: np.kron(bottoms[0], np.ones((scale, scale))),
    )


@pytest.mark.parametrize(
    ("options", "shapes", "message"),
    [
        ("scale: 0", [(1, 3, 4, 5)], "scale 0 must be at least 1"),
        ("scale: 2", [(1, 6)], "is not N x C x H x W"),
        ("scale: 2", [(1, 3, 4, 5)] * 2, "SegNet's Upsample with a mask is not supported"),
    ],
)
def test_bad_options(one_layer, options, shapes, message):
    net = one_layer("Upsample", f"upsample_param {{ {options} }}", shapes)
    with pytest.raises(ProtofaceError, match=rf"layer 'layer' \(Upsample\): .*{message}"):
        build_graph(net, "net")
