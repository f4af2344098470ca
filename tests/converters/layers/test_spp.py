"""SPP: windows of a pyramid, one after the other."""

import numpy as np
import pytest

from protoface.converters import ProtofaceError, build_graph


def spp(height, function):
    """Each level's windows of ceil(size / bins) pixels, the first starting half the rest outside."""

    def bounds(size, bins, index):
        kernel = -(-size // bins)
        start = index * kernel - (kernel * bins - size + 1) // 2
        return max(start, 0), min(start + kernel, size), kernel

    def reference(bottoms, blobs):
        x, parts = bottoms[0], []
        for level in range(height):
            bins = 2**level
            top = np.empty((*x.shape[:2], bins, bins))
            for i in range(bins):
                for j in range(bins):
                    up, down, kernel_h = bounds(x.shape[2], bins, i)
                    left, right, kernel_w = bounds(x.shape[3], bins, j)
                    top[:, :, i, j] = function(x[:, :, up:down, left:right], kernel_h * kernel_w)
            parts.append(top.reshape(len(x), -1))
        return np.concatenate(parts, 1)

    return reference


def maximum(window, area):
    return window.max((2, 3))


def average(window, area):
    """Divided by the whole window, also where it hangs out (but see the test of an odd rest)."""
    return window.sum((2, 3)) / area


@pytest.mark.parametrize("height", [1, 2, 3])
@pytest.mark.parametrize("shape", [(1, 2, 8, 8), (1, 2, 12, 16)])
@pytest.mark.parametrize(("pool", "function"), [("MAX", maximum), ("AVE", average)])
def test_whole_windows(parity, pool, function, shape, height):
    options = f"spp_param {{ pool: {pool} pyramid_height: {height} }}"
    parity("SPP", options, [shape], spp(height, function))


@pytest.mark.parametrize("height", [2, 3])
@pytest.mark.parametrize("shape", [(1, 2, 7, 10), (1, 3, 13, 11), (1, 2, 10, 8)])
def test_windows_that_hang_out(parity, shape, height):
    parity("SPP", f"spp_param {{ pyramid_height: {height} }}", [shape], spp(height, maximum))


def test_averages_of_windows_that_hang_out(parity):
    """A rest of 2 pixels is one before and one behind, both counted."""
    parity("SPP", "spp_param { pool: AVE pyramid_height: 3 }", [(1, 2, 10, 10)], spp(3, average))


@pytest.mark.parametrize(
    ("options", "shapes", "message"),
    [
        ("", [(1, 2, 8, 8)], "pyramid_height must be at least 1"),
        ("pyramid_height: 2", [(1, 6)], "is not N x C x H x W"),
        ("pyramid_height: 2 pool: STOCHASTIC", [(1, 2, 8, 8)], "only MAX and AVE"),
        ("pyramid_height: 3", [(1, 2, 5, 5)], "pad .* must be smaller than the kernel"),
        ("pyramid_height: 1", [(1, 2, 8, 8)] * 2, "has 2 bottoms"),
    ],
)
def test_bad_options(one_layer, options, shapes, message):
    net = one_layer("SPP", f"spp_param {{ {options} }}", shapes)
    with pytest.raises(ProtofaceError, match=rf"layer 'layer.* \((SPP|Pooling)\): .*{message}"):
        build_graph(net, "net")
