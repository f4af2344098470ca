"""MVN with every option."""

import numpy as np
import pytest

from protoface.converters import ProtofaceError, build_graph


def mvn(across=False, variance=True, eps=1e-9):
    def reference(bottoms, blobs):
        x = bottoms[0].reshape(*bottoms[0].shape[: 1 if across else 2], -1)
        x = x - x.mean(-1, keepdims=True)
        if variance:
            x = x / (np.sqrt((x**2).mean(-1, keepdims=True)) + eps)
        return x.reshape(bottoms[0].shape)

    return reference


@pytest.mark.parametrize("across", [False, True])
@pytest.mark.parametrize("variance", [False, True])
@pytest.mark.parametrize("eps", [1e-9, 0.5])
@pytest.mark.parametrize("shift", [0, 5])
def test_options(parity, across, variance, eps, shift):
    options = (
        f"mvn_param {{ across_channels: {str(across).lower()} "
        f"normalize_variance: {str(variance).lower()} eps: {eps} }}"
    )
    parity("MVN", options, [(1, 3, 4, 5)], mvn(across, variance, eps), shift=shift)


def test_each_channel_by_itself_is_the_default(parity):
    parity("MVN", "", [(1, 3, 4, 5)], mvn())


def test_a_matrix_across_channels(parity):
    parity("MVN", "mvn_param { across_channels: true }", [(1, 6)], mvn(across=True))


@pytest.mark.parametrize(
    ("options", "shapes", "message"),
    [
        ("", [(1, 6)], "leaves nothing to take a mean of"),
        ("", [(1, 3, 4, 5)] * 2, "has 2 bottoms"),
    ],
)
def test_bad_options(one_layer, options, shapes, message):
    net = one_layer("MVN", f"mvn_param {{ {options} }}", shapes)
    with pytest.raises(ProtofaceError, match=rf"layer 'layer' \(MVN\): .*{message}"):
        build_graph(net, "net")
