"""Normalize with every option."""

import numpy as np
import pytest

from protoface.converters import ProtofaceError, build_graph


def normalised(across=True, shared=True, eps=1e-10):
    def reference(bottoms, blobs):
        x, scale = bottoms[0], blobs[0]
        axes = tuple(range(1, x.ndim)) if across else 1
        scale = scale if shared else scale.reshape(-1, *(1,) * (x.ndim - 2))
        return x / np.sqrt((x**2).sum(axes, keepdims=True) + eps) * scale

    return reference


@pytest.mark.parametrize("across", [False, True])
@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("eps", [1e-10, 0.5])
def test_options(parity, across, shared, eps):
    options = (
        f"norm_param {{ across_spatial: {str(across).lower()} channel_shared: {str(shared).lower()} "
        f"eps: {eps} }}"
    )
    parity("Normalize", options, [(1, 3, 4, 5)], normalised(across, shared, eps))


def test_defaults(parity):
    parity("Normalize", "", [(1, 3, 4, 5)], normalised())


@pytest.mark.parametrize("shared", [False, True])
def test_a_matrix(parity, shared):
    options = f"norm_param {{ channel_shared: {str(shared).lower()} }}"
    parity("Normalize", options, [(1, 6)], normalised(shared=shared))


def test_the_scale_starts_at_1(one_layer):
    for options, shape, value in (
        ("", (), 1),
        ("norm_param { channel_shared: false scale_filler { value: 20 } }", (3,), 20),
    ):
        (spec,) = build_graph(one_layer("Normalize", options, [(1, 3, 4)]), "net").blob_specs().values()
        assert (spec.shape, spec.filler.value) == (shape, value)


@pytest.mark.parametrize(
    ("options", "shapes", "message"),
    [
        ("", [(6,)], "must have 2 to 4 axes"),
        ("", [(1, 3)] * 2, "has 2 bottoms"),
    ],
)
def test_bad_options(one_layer, options, shapes, message):
    net = one_layer("Normalize", f"norm_param {{ {options} }}", shapes)
    with pytest.raises(ProtofaceError, match=rf"layer 'layer' \(Normalize\): .*{message}"):
        build_graph(net, "net")
