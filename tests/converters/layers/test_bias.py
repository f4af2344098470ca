"""Bias with a learned blob or a second bottom, along any axes."""

import pytest

from protoface.converters import ProtofaceError, build_graph

SHAPE = (1, 3, 4, 5)


def bias(axis, rank):
    """Sum with the blob's axes laid along the bottom's from `axis` on."""

    def reference(bottoms, blobs):
        x, term = [*bottoms, *blobs]
        return x + term[(slice(None),) * term.ndim + (None,) * (rank - axis - term.ndim)]

    return reference


@pytest.mark.parametrize("num_axes", [1, 2, 3, -1])
def test_axes_from_the_channels_on(parity, num_axes):
    parity("Bias", f"bias_param {{ num_axes: {num_axes} }}", [SHAPE], bias(1, 4))


@pytest.mark.parametrize(("axis", "first"), [(2, 2), (3, 3), (-1, 3), (-2, 2)])
def test_axis(parity, axis, first):
    parity("Bias", f"bias_param {{ axis: {axis} }}", [SHAPE], bias(first, 4))


def test_one_number_for_all(parity):
    parity("Bias", "bias_param { num_axes: 0 }", [SHAPE], bias(4, 4))


def test_every_picture_of_the_batch_has_its_own(parity):
    options = "bias_param { axis: 0 num_axes: 2 }"
    parity("Bias", options, [(2, 3, 4, 5)], bias(0, 4), batches=[2])


def test_a_matrix(parity):
    parity("Bias", "", [(1, 6)], bias(1, 2))


@pytest.mark.parametrize("shape", [(1,), (1, 3), (1, 3, 4), (1, 3, 4, 5)])
def test_the_second_bottom(parity, shape):
    parity("Bias", "bias_param { axis: 0 }", [SHAPE, shape], bias(0, 4))


def test_the_second_bottom_from_the_channels_on(parity):
    parity("Bias", "", [SHAPE, (3,)], bias(1, 4), batches=[3])


@pytest.mark.parametrize(
    ("options", "shapes", "message"),
    [
        ("", [SHAPE, SHAPE, SHAPE], "has 3 bottoms, Caffe takes 1 or 2"),
        ("axis: 4", [SHAPE], "axis 4 is outside"),
        ("num_axes: 4", [SHAPE], "num_axes 4 from axis 1 exceeds"),
        ("", [SHAPE, (4, 3)], "does not fit"),
    ],
)
def test_bad_options(one_layer, options, shapes, message):
    net = one_layer("Bias", f"bias_param {{ {options} }}", shapes)
    with pytest.raises(ProtofaceError, match=rf"layer 'layer' \(Bias\): .*{message}"):
        build_graph(net, "net")


def test_it_starts_at_zero(one_layer):
    (spec,) = build_graph(one_layer("Bias", "", [SHAPE]), "net").blob_specs().values()
    assert (spec.shape, spec.filler.type, spec.filler.value) == ((3,), "constant", 0)
