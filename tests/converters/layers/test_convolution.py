"""Convolution and ConvolutionDepthwise against a sum written out in numpy."""

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view

from protoface.converters import ProtofaceError, build_graph


def convolution(stride=(1, 1), pad=(0, 0), dilation=(1, 1), group=1, bias=True, depthwise=False):
    """A reference: every top is its bottom's windows times the weight (out, in/group, kh, kw)."""

    def one(x, weight, groups):
        x = np.pad(x, ((0, 0), (0, 0), (pad[0],) * 2, (pad[1],) * 2))
        extent = [dilation[i] * (weight.shape[2 + i] - 1) + 1 for i in (0, 1)]
        windows = sliding_window_view(x, extent, axis=(2, 3))
        windows = windows[:, :, :: stride[0], :: stride[1], :: dilation[0], :: dilation[1]]
        parts = zip(np.split(windows, groups, axis=1), np.split(weight, groups, axis=0), strict=True)
        return np.concatenate([np.einsum("nchwij,ocij->nohw", w, k) for w, k in parts], axis=1)

    def reference(bottoms, blobs):
        groups = bottoms[0].shape[1] if depthwise else group
        tops = [one(x, blobs[0], groups) for x in bottoms]
        return [top + blobs[1][:, None, None] if bias else top for top in tops]

    return reference


@pytest.mark.parametrize(
    ("options", "reference"),
    [
        ("kernel_size: 3", {}),
        ("kernel_size: 3 bias_term: false", {"bias": False}),
        ("kernel_size: 3 stride: 2 pad: 1", {"stride": (2, 2), "pad": (1, 1)}),
        ("kernel_size: 1 stride: 3", {"stride": (3, 3)}),
        ("kernel_size: 3 group: 2", {"group": 2}),
        ("kernel_size: 3 group: 4 pad: 1 bias_term: false", {"group": 4, "pad": (1, 1), "bias": False}),
        ("kernel_size: 3 dilation: 2", {"dilation": (2, 2)}),
        ("kernel_size: 3 dilation: 2 dilation: 1 pad: 2", {"dilation": (2, 1), "pad": (2, 2)}),
        ("kernel_h: 1 kernel_w: 5 pad_h: 0 pad_w: 2", {"pad": (0, 2)}),
        ("kernel_h: 4 kernel_w: 2 stride_h: 1 stride_w: 2", {"stride": (1, 2)}),
        (
            "kernel_size: 2 kernel_size: 3 stride: 2 stride: 1 pad: 1 pad: 0",
            {"stride": (2, 1), "pad": (1, 0)},
        ),
        ("kernel_size: 3 pad: 3 stride: 2", {"pad": (3, 3), "stride": (2, 2)}),
        ("kernel_size: 9 pad: 1", {"pad": (1, 1)}),
        ("kernel_size: 1 pad: 1", {"pad": (1, 1)}),
        ("kernel_size: 1 pad: 2 pad: 0 stride: 2 stride: 1", {"pad": (2, 0), "stride": (2, 1)}),
        ("kernel_size: 3 axis: -3", {}),
    ],
)
def test_options(parity, options, reference):
    options = f"convolution_param {{ num_output: 8 {options} }}"
    parity("Convolution", options, [(1, 4, 8, 7)], convolution(**reference))


def test_sizes_round_down(parity):
    options = "convolution_param { num_output: 2 kernel_size: 2 stride: 2 }"
    parity("Convolution", options, [(1, 1, 5, 7)], convolution(stride=(2, 2)))


def test_the_kernel_covers_the_whole_bottom(parity):
    options = "convolution_param { num_output: 2 kernel_h: 5 kernel_w: 7 }"
    parity("Convolution", options, [(1, 3, 5, 7)], convolution())


def test_several_bottoms_share_the_weights(parity):
    options = "convolution_param { num_output: 3 kernel_size: 3 }"
    parity("Convolution", options, [(1, 2, 5, 6), (1, 2, 7, 4)], convolution(), tops=2)


@pytest.mark.parametrize("options", ["num_output: 5", "num_output: 1 group: 3", "num_output: 10"])
def test_depthwise_ignores_num_output_and_group(parity, options):
    options = f"convolution_param {{ {options} kernel_size: 3 pad: 1 stride: 2 }}"
    reference = convolution((2, 2), (1, 1), depthwise=True)
    parity("ConvolutionDepthwise", options, [(1, 5, 7, 6)], reference)


@pytest.mark.parametrize(("pad", "dilation"), [((1, 1), (2, 2)), ((0, 1), (1, 3)), ((2, 2), (2, 2))])
def test_depthwise_dilated_and_padded(parity, pad, dilation):
    options = "convolution_param {{ kernel_size: 3 pad: [{}, {}] dilation: [{}, {}] }}"
    reference = convolution(pad=pad, dilation=dilation, depthwise=True)
    parity("ConvolutionDepthwise", options.format(*pad, *dilation), [(1, 4, 7, 8)], reference)


def test_depthwise_without_bias(parity):
    options = "convolution_param { num_output: 6 kernel_size: 3 bias_term: false dilation: 2 }"
    reference = convolution(dilation=(2, 2), bias=False, depthwise=True)
    parity("ConvolutionDepthwise", options, [(1, 6, 9, 8)], reference)


def test_depthwise_shapes_of_the_blobs(one_layer):
    net = one_layer("ConvolutionDepthwise", "convolution_param { kernel_size: 3 }", [(1, 5, 9, 8)])
    shapes = [spec.shape for spec in build_graph(net, "net").blob_specs().values()]
    assert shapes == [(5, 1, 3, 3), (5,)]


def test_multiply_adds(one_layer):
    options = "convolution_param { num_output: 6 kernel_size: 3 group: 2 stride: 2 }"
    net = one_layer("Convolution", options, [(2, 4, 9, 7)])
    assert build_graph(net, "net").multiply_adds() == 2 * 6 * 4 * 3 * (2 * 3 * 3)


@pytest.mark.parametrize(
    ("options", "shapes", "message"),
    [
        ("kernel_size: 3", [(1, 4, 8, 7)], "num_output must be at least 1"),
        ("num_output: 8", [(1, 4, 8, 7)], "has no kernel size"),
        ("num_output: 8 kernel_size: 0", [(1, 4, 8, 7)], r"kernel \(0, 0\) must be at least 1"),
        ("num_output: 8 kernel_h: 3", [(1, 4, 8, 7)], r"kernel \(3, 0\) must be at least 1"),
        ("num_output: 8 kernel_size: 3 kernel_h: 3 kernel_w: 3", [(1, 4, 8, 7)], "kernel twice"),
        ("num_output: 8 kernel_size: 3 stride: 0", [(1, 4, 8, 7)], "stride"),
        ("num_output: 8 kernel_size: 3 dilation: 0", [(1, 4, 8, 7)], "dilation"),
        ("num_output: 8 kernel_size: [3, 3, 3]", [(1, 4, 8, 7)], "3 values of kernel"),
        ("num_output: 8 kernel_size: 3 group: 3", [(1, 4, 8, 7)], "4 channels in, 8 out, group 3"),
        ("num_output: 9 kernel_size: 3 group: 2", [(1, 4, 8, 7)], "4 channels in, 9 out, group 2"),
        ("num_output: 8 kernel_size: 3 group: 0", [(1, 4, 8, 7)], "group 0"),
        ("num_output: 8 kernel_size: 9", [(1, 4, 8, 7)], r"kernel \(9, 9\) is larger"),
        ("num_output: 8 kernel_size: 3 dilation: 4", [(1, 4, 8, 7)], r"kernel \(9, 9\) is larger"),
        ("num_output: 8 kernel_size: 3", [(1, 4, 8)], "only N x C x H x W"),
        ("num_output: 8 kernel_size: 3 axis: 2", [(1, 4, 8, 7)], "axis 1"),
        ("num_output: 8 kernel_size: 3", [(1, 4, 8, 7), (1, 4, 8, 7)], "has 2 bottoms, Caffe takes 1"),
    ],
)
@pytest.mark.parametrize("kind", ["Convolution", "ConvolutionDepthwise"])
def test_bad_options(one_layer, kind, options, shapes, message):
    if kind == "ConvolutionDepthwise" and ("group" in options or "num_output" in message):
        options, message = f"{options} bias_term: false axis: 2", "axis 1"  # those are ignored there
    with pytest.raises(ProtofaceError, match=rf"net: layer 'layer' \({kind}\): .*{message}"):
        build_graph(one_layer(kind, f"convolution_param {{ {options} }}", shapes), "net")


def test_bottoms_with_different_channels(one_layer):
    options = "convolution_param { num_output: 8 kernel_size: 3 }"
    net = one_layer("Convolution", options, [(1, 4, 8, 7), (1, 3, 8, 7)], tops=2)
    with pytest.raises(ProtofaceError, match="different numbers of channels"):
        build_graph(net, "net")
