"""LRN against Caffe's sums, written out."""

import numpy as np
import pytest

from protoface.converters import ProtofaceError, build_graph

SHAPE = (1, 7, 5, 6)


def lrn(size=5, alpha=1, beta=0.75, k=1, within=False):
    def reference(bottoms, blobs):
        x, half = bottoms[0], size // 2
        around = [(0, 0), (0, 0), (half, half), (half, half)] if within else [(0, 0), (half, half)]
        padded = np.pad(x**2, around + [(0, 0)] * (4 - len(around)))
        total = np.zeros_like(x)
        for i in range(size):
            if within:
                for j in range(size):
                    total += padded[:, :, i : i + x.shape[2], j : j + x.shape[3]]
            else:
                total += padded[:, i : i + x.shape[1]]
        scale = 1 + alpha / size**2 * total if within else k + alpha / size * total
        return x * scale**-beta

    return reference


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"size": 3},
        {"size": 1},
        {"size": 9, "alpha": 2},
        {"alpha": 0.5, "beta": 0.5},
        {"k": 2},
        {"size": 3, "k": 0.5, "beta": 1, "alpha": 4},
    ],
)
@pytest.mark.parametrize("within", [False, True])
def test_options(parity, values, within):
    named = {"size": "local_size"}
    options = " ".join(f"{named.get(key, key)}: {value}" for key, value in values.items())
    region = "norm_region: WITHIN_CHANNEL" if within else ""
    parity("LRN", f"lrn_param {{ {options} {region} }}", [SHAPE], lrn(**values, within=within))


def test_as_in_alexnet(parity):
    options = "lrn_param { local_size: 5 alpha: 0.0001 beta: 0.75 }"
    parity("LRN", options, [(1, 16, 4, 4)], lrn(5, float(np.float32(0.0001)), 0.75), shift=50)


@pytest.mark.parametrize(
    ("options", "shapes", "message"),
    [
        ("local_size: 4", [SHAPE], "local_size 4 must be odd"),
        ("", [(1, 6)], "is not N x C x H x W"),
        ("", [SHAPE, SHAPE], "has 2 bottoms"),
    ],
)
def test_bad_options(one_layer, options, shapes, message):
    net = one_layer("LRN", f"lrn_param {{ {options} }}", shapes)
    with pytest.raises(ProtofaceError, match=rf"layer 'layer' \(LRN\): .*{message}"):
        build_graph(net, "net")
