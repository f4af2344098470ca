"""Pooling against Caffe's loops (pooling_layer.cpp), written out."""

import math

import cv2
import numpy as np
import pytest

from protoface.converters import ProtofaceError, build_graph

LOWEST = -np.finfo(np.float32).max
SHAPE = (1, 2, 8, 7)


def output_size(sizes, kernel, stride, pad, floor):
    """Reshape: rounded up unless `floor`; with any padding, the last window must start inside."""
    rounded = math.floor if floor else math.ceil
    pooled = [rounded((sizes[i] + 2 * pad[i] - kernel[i]) / stride[i]) + 1 for i in (0, 1)]
    if any(pad):
        pooled = [
            count - 1 if (count - 1) * stride[i] >= sizes[i] + pad[i] else count
            for i, count in enumerate(pooled)
        ]
    return pooled


def pooling(method, kernel, stride=(1, 1), pad=(0, 0), floor=False):
    """Forward_cpu, one window at a time."""

    def window(x, position):
        start = [position[i] * stride[i] - pad[i] for i in (0, 1)]
        sizes = x.shape[2:]
        if method == "AVE":
            end = [min(start[i] + kernel[i], sizes[i] + pad[i]) for i in (0, 1)]
            divisor = math.prod(end[i] - start[i] for i in (0, 1))
        end = [min(start[i] + kernel[i], sizes[i]) for i in (0, 1)]
        start = [max(first, 0) for first in start]
        part = x[:, :, start[0] : max(end[0], start[0]), start[1] : max(end[1], start[1])]
        if method == "AVE":
            return part.sum((2, 3)) / divisor
        return part.max((2, 3), initial=LOWEST)

    def reference(bottoms, blobs):
        x = bottoms[0]
        rows, columns = output_size(x.shape[2:], kernel, stride, pad, floor)
        top = np.empty((*x.shape[:2], rows, columns))
        for row in range(rows):
            for column in range(columns):
                top[:, :, row, column] = window(x, (row, column))
        return top

    return reference


def text(method, kernel, stride=(1, 1), pad=(0, 0), floor=False):
    return (
        f"pooling_param {{ pool: {method} kernel_h: {kernel[0]} kernel_w: {kernel[1]} "
        f"stride_h: {stride[0]} stride_w: {stride[1]} pad_h: {pad[0]} pad_w: {pad[1]} "
        f"round_mode: {'FLOOR' if floor else 'CEIL'} }}"
    )


@pytest.mark.parametrize("method", ["MAX", "AVE"])
@pytest.mark.parametrize("floor", [False, True])
@pytest.mark.parametrize(
    ("kernel", "stride", "pad"),
    [
        ((2, 2), (2, 2), (0, 0)),
        ((3, 3), (2, 2), (0, 0)),  # the last window hangs over on one side
        ((3, 3), (2, 2), (1, 1)),
        ((3, 3), (1, 1), (1, 1)),
        ((3, 3), (3, 3), (2, 2)),  # the last window would start in the padding
        ((5, 5), (4, 4), (3, 3)),
        ((3, 2), (2, 3), (1, 0)),
        ((2, 3), (1, 2), (0, 1)),
        ((8, 7), (1, 1), (0, 0)),
        ((1, 1), (7, 3), (0, 0)),
        ((2, 2), (3, 5), (1, 1)),
    ],
)
def test_windows(parity, method, kernel, stride, pad, floor):
    options = (method, kernel, stride, pad, floor)
    parity("Pooling", text(*options), [SHAPE], pooling(*options))


def test_defaults(parity):
    """MAX, stride 1, no padding."""
    parity("Pooling", "pooling_param { kernel_size: 3 }", [SHAPE], pooling("MAX", (3, 3)))


@pytest.mark.parametrize("method", ["MAX", "AVE"])
def test_global(parity, method):
    options = f"pooling_param {{ pool: {method} global_pooling: true }}"
    parity("Pooling", options, [SHAPE], pooling(method, SHAPE[2:]))


@pytest.mark.parametrize("size", [6, 10])
def test_a_maximum_over_no_pixel_is_the_lowest_float(parity, size):
    """A stride beyond the kernel: with 6 and 10 pixels the last window starts behind the picture."""
    options = ("MAX", (1, 1), (4, 4))
    parity("Pooling", text(*options), [(1, 2, size, size)], pooling(*options))


def test_padding_on_one_axis_drops_the_last_window_of_both(parity):
    """Caffe asks `pad_h || pad_w` and then looks at both axes."""
    options = ("MAX", (1, 2), (4, 4), (0, 1))
    parity("Pooling", text(*options), [(1, 2, 6, 6)], pooling(*options))


def test_a_kernel_larger_than_the_picture(parity):
    """Rounding up makes one window of it, clipped."""
    for method in ("MAX", "AVE"):
        options = (method, (4, 4), (2, 2))
        parity("Pooling", text(*options), [(1, 2, 3, 3)], pooling(*options))


def test_negative_pictures(parity):
    """Padding is no pixel: a maximum of negative values is negative, whatever lies around."""
    net = "pooling_param { pool: MAX kernel_size: 3 stride: 2 pad: 1 }"
    parity("Pooling", net, [(1, 2, 5, 5)], pooling("MAX", (3, 3), (2, 2), (1, 1)), shift=-100)


def test_padded_averages_beside_an_input_of_two_axes(agree, net_of):
    """OpenCV 4 takes the shapes of such a net for unknown, and then fails at the divisor's."""
    net = net_of("""
        layer { name: 'x' type: 'Input' top: 'x' input_param { shape { dim: [1, 3, 8, 8] } } }
        layer { name: 's' type: 'Input' top: 's' input_param { shape { dim: [1, 3] } } }
        layer { name: 'scale' type: 'Scale' bottom: 'x' bottom: 's' top: 'y' scale_param { axis: 0 } }
        layer { name: 'ave' type: 'Pooling' bottom: 'y' top: 'z'
                pooling_param { pool: AVE kernel_size: 3 stride: 2 pad: 1 } }""")
    reason = "OpenCV 4 does not load padded AVE from ONNX in a net that has an input of two axes"
    agree(net, apart={"opencv-onnx": reason} if cv2.__version__.startswith("4.") else None)


@pytest.mark.parametrize(
    ("options", "shapes", "message"),
    [
        ("", [SHAPE], "has no kernel size"),
        ("kernel_size: 0", [SHAPE], "kernel"),
        ("kernel_h: 2", [SHAPE], r"kernel \(2, 0\) must be at least 1"),
        ("kernel_size: 2 kernel_h: 2 kernel_w: 2", [SHAPE], "kernel twice"),
        ("kernel_size: 2 stride: 0", [SHAPE], "stride"),
        ("kernel_size: 2 stride_h: 1", [SHAPE], r"stride \(1, 0\)"),
        ("kernel_size: 2 pad: 2", [SHAPE], r"pad \(2, 2\) must be smaller than the kernel \(2, 2\)"),
        ("kernel_size: 2 pool: STOCHASTIC", [SHAPE], "only MAX and AVE"),
        ("kernel_size: 2", [(1, 2, 8)], "is not N x C x H x W"),
        ("kernel_size: 2", [SHAPE, SHAPE], "has 2 bottoms"),
        ("kernel_size: 9 round_mode: FLOOR", [SHAPE], "larger than its padded bottom"),
        ("global_pooling: true kernel_size: 2", [SHAPE], "global_pooling"),
        ("global_pooling: true pad: 1", [SHAPE], "global_pooling"),
        ("global_pooling: true stride: 2", [SHAPE], "global_pooling"),
        ("pool: AVE kernel_size: 1 stride: 4", [(1, 2, 8, 8)], "averages over no pixel"),
        ("pool: AVE kernel_size: 1 stride: 4", [(1, 2, 5, 6)], "averages over no pixel"),
    ],
)
def test_bad_options(one_layer, options, shapes, message):
    net = one_layer("Pooling", f"pooling_param {{ {options} }}", shapes)
    with pytest.raises(ProtofaceError, match=rf"layer 'layer' \(Pooling\): .*{message}"):
        build_graph(net, "net")


def test_a_mask_is_not_supported(one_layer):
    net = one_layer("Pooling", "pooling_param { kernel_size: 2 }", [SHAPE], tops=2)
    with pytest.raises(ProtofaceError, match="no mask"):
        build_graph(net, "net")
