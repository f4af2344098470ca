"""Interp against Caffe's four neighbours, written out."""

import numpy as np
import pytest

from protoface.converters import ProtofaceError, build_graph


def interp(height, width, begin=0, end=0):
    def at(size, count):
        """For each of `count` pixels: two neighbours among `size`, and the second one's part."""
        place = np.arange(count) * ((size - 1) / (count - 1) if count > 1 else 0)
        lower = np.minimum(place.astype(int), size - 1)
        return lower, np.minimum(lower + 1, size - 1), place - lower

    def reference(bottoms, blobs):
        x = bottoms[0][:, :, -begin or None : end or None, -begin or None : end or None]
        (up, down, v), (left, right, h) = at(x.shape[2], height), at(x.shape[3], width)
        rows = x[:, :, up] * (1 - v)[:, None] + x[:, :, down] * v[:, None]
        return rows[..., left] * (1 - h) + rows[..., right] * h

    return reference


@pytest.mark.parametrize(
    ("options", "size", "cut"),
    [
        ("height: 9 width: 11", (9, 11), (0, 0)),
        ("height: 6 width: 7", (6, 7), (0, 0)),
        ("height: 3 width: 2", (3, 2), (0, 0)),
        ("height: 1 width: 1", (1, 1), (0, 0)),
        ("height: 1 width: 30", (1, 30), (0, 0)),
        ("zoom_factor: 2", (11, 13), (0, 0)),
        ("zoom_factor: 3", (16, 19), (0, 0)),
        ("shrink_factor: 2", (3, 4), (0, 0)),
        ("shrink_factor: 2 zoom_factor: 4", (9, 13), (0, 0)),
        ("zoom_factor: 2 pad_beg: -1 pad_end: -2", (5, 7), (-1, -2)),
        ("height: 8 width: 8 pad_beg: -1", (8, 8), (-1, 0)),
        ("height: 8 width: 8 pad_end: -1", (8, 8), (0, -1)),
        ("zoom_factor: 2 height: 3 width: 3", (11, 13), (0, 0)),
    ],
)
def test_options(parity, options, size, cut):
    parity("Interp", f"interp_param {{ {options} }}", [(1, 3, 6, 7)], interp(*size, *cut))


def test_one_pixel_becomes_a_plane(parity):
    """As in the pyramid of PSPNet."""
    parity("Interp", "interp_param { height: 5 width: 6 }", [(1, 3, 1, 1)], interp(5, 6))


@pytest.mark.parametrize(
    ("options", "shapes", "message"),
    [
        ("", [(1, 3, 6, 7)], "give height and width"),
        ("height: 3", [(1, 3, 6, 7)], "give height and width"),
        ("height: 3 width: -1", [(1, 3, 6, 7)], "would be .* pixels large"),
        ("zoom_factor: 0", [(1, 3, 6, 7)], "must be at least 1"),
        ("zoom_factor: 2 pad_beg: 1", [(1, 3, 6, 7)], "must be 0 or negative"),
        ("zoom_factor: 2 pad_beg: -3 pad_end: -3", [(1, 3, 6, 7)], "leave nothing of"),
        ("zoom_factor: 2", [(1, 6)], "is not N x C x H x W"),
    ],
)
def test_bad_options(one_layer, options, shapes, message):
    net = one_layer("Interp", f"interp_param {{ {options} }}", shapes)
    with pytest.raises(ProtofaceError, match=rf"layer 'layer' \(Interp\): .*{message}"):
        build_graph(net, "net")
