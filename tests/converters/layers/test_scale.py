"""Scale with a learned factor or a second bottom, along any axes."""

import pytest

from protoface.converters import ProtofaceError, build_graph


def scale(axis, rank):
    """Product with the factor's axes laid along the bottom's from `axis` on, then the bias."""

    def reference(bottoms, blobs):
        x, (factor, *bias) = bottoms[0], [*bottoms[1:], *blobs]
        index = (slice(None),) * factor.ndim + (None,) * (rank - axis - factor.ndim)
        return x * factor[index] + (bias[0][index] if bias else 0)

    return reference


SHAPE = (1, 3, 4, 5)


@pytest.mark.parametrize("bias", ["false", "true"])
@pytest.mark.parametrize("num_axes", [1, 2, 3, -1])
def test_axes_from_the_channels_on(parity, num_axes, bias):
    options = f"scale_param {{ num_axes: {num_axes} bias_term: {bias} }}"
    parity("Scale", options, [SHAPE], scale(1, 4))


@pytest.mark.parametrize(("axis", "first"), [(2, 2), (3, 3), (-1, 3), (-2, 2)])
def test_axis(parity, axis, first):
    parity("Scale", f"scale_param {{ axis: {axis} bias_term: true }}", [SHAPE], scale(first, 4))


def test_one_factor_for_all(parity):
    parity("Scale", "scale_param { num_axes: 0 bias_term: true }", [SHAPE], scale(4, 4))


def test_every_picture_of_the_batch_has_its_factor(parity):
    options = "scale_param { axis: 0 num_axes: 2 bias_term: true }"
    parity("Scale", options, [(2, 3, 4, 5)], scale(0, 4), batches=[2])


BEFORE = {
    "Convolution": 'type: "Convolution" convolution_param { num_output: 4 kernel_size: 1 }',
    "BatchNorm": 'type: "BatchNorm"',
    "Scale": 'type: "Scale"',
}


@pytest.mark.parametrize("before", BEFORE)
@pytest.mark.parametrize(
    "kind",
    [
        'type: "Scale" scale_param { bias_term: true axis: %d num_axes: %d }',
        'type: "Bias" bias_param { axis: %d num_axes: %d }',
    ],
)
@pytest.mark.parametrize(("axis", "axes"), [(1, 1), (1, 3), (2, 1), (3, 1), (2, 2), (1, 0)])
def test_behind_a_layer_that_opencv_merges_it_with(net_of, filled, agree, before, kind, axis, axes):
    """As many rows and columns as channels, so that only the values tell the axes apart."""
    net = net_of(
        'layer { name: "in" type: "Input" top: "x" input_param { shape { dim: [1, 4, 4, 4] } } }'
        f'layer {{ name: "before" bottom: "x" top: "b" {BEFORE[before]} }}'
        f'layer {{ name: "last" bottom: "b" top: "y" {kind % (axis, axes)} }}'
    )
    agree(filled(net))


def test_a_matrix(parity):
    parity("Scale", "scale_param { bias_term: true }", [(1, 6)], scale(1, 2))


@pytest.mark.parametrize("shape", [(1,), (1, 3), (1, 3, 4), (1, 3, 4, 5)])
def test_the_second_bottom_is_the_factor(parity, shape):
    parity("Scale", "scale_param { axis: 0 }", [SHAPE, shape], scale(0, 4))


def test_two_bottoms_from_the_channels_on(parity):
    """As a squeeze-and-excitation block in old nets; the batch axis of the factor is fixed then."""
    parity("Scale", "scale_param { axis: 1 }", [SHAPE, (3,)], scale(1, 4), batches=[3])


def test_two_bottoms_and_a_bias(parity):
    options = "scale_param { axis: 0 bias_term: true }"
    parity("Scale", options, [(2, 3, 4, 5), (2, 3)], scale(0, 4), batches=[2])


@pytest.mark.parametrize(
    ("options", "shapes", "message"),
    [
        ("", [SHAPE, SHAPE, SHAPE], "has 3 bottoms, Caffe takes 1 or 2"),
        ("axis: 4", [SHAPE], "axis 4 is outside"),
        ("axis: -5", [SHAPE], "axis -5 is outside"),
        ("num_axes: 4", [SHAPE], "num_axes 4 from axis 1 exceeds"),
        ("num_axes: -2", [SHAPE], "num_axes -2"),
        ("", [SHAPE, (4, 3)], r"factor of shape \[4, 3\] does not fit \[1, 3, 4, 5\] at 1"),
        ("axis: 3", [SHAPE, (5, 1)], "does not fit"),
    ],
)
def test_bad_options(one_layer, options, shapes, message):
    net = one_layer("Scale", f"scale_param {{ {options} }}", shapes)
    with pytest.raises(ProtofaceError, match=rf"layer 'layer' \(Scale\): .*{message}"):
        build_graph(net, "net")


def test_gamma_starts_at_one_and_beta_at_zero(one_layer):
    net = one_layer("Scale", "scale_param { bias_term: true }", [SHAPE])
    gamma, beta = build_graph(net, "net").blob_specs().values()
    assert (gamma.filler.type, gamma.filler.value) == ("constant", 1)
    assert (beta.filler.type, beta.filler.value) == ("constant", 0)
    assert gamma.shape == beta.shape == (3,)
