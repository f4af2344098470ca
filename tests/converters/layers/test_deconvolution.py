"""Deconvolution against Caffe's col2im, written out as a loop over the kernel."""

import numpy as np
import pytest

from protoface.converters import ProtofaceError, build_graph

SHAPE = (1, 4, 5, 6)


def deconvolution(stride=(1, 1), pad=(0, 0), dilation=(1, 1), group=1, bias=True):
    """Every value of the bottom is laid out times the kernel; overlaps add up, the pad is cut off."""

    def one(x, blobs):
        weight = blobs[0]
        (rows, columns), (kh, kw) = x.shape[2:], weight.shape[2:]
        height = (rows - 1) * stride[0] + dilation[0] * (kh - 1) + 1
        width = (columns - 1) * stride[1] + dilation[1] * (kw - 1) + 1
        inner, outer = x.shape[1] // group, weight.shape[1]
        top = np.zeros((x.shape[0], outer * group, height, width))
        for g in range(group):
            part, kernels = x[:, g * inner : (g + 1) * inner], weight[g * inner : (g + 1) * inner]
            for i in range(kh):
                for j in range(kw):
                    values = np.einsum("nchw,co->nohw", part, kernels[:, :, i, j])
                    down, right = i * dilation[0], j * dilation[1]
                    top[
                        :,
                        g * outer : (g + 1) * outer,
                        down : down + rows * stride[0] : stride[0],
                        right : right + columns * stride[1] : stride[1],
                    ] += values
        top = top[:, :, pad[0] : height - pad[0], pad[1] : width - pad[1]]
        return top + blobs[1][:, None, None] if bias else top

    return lambda bottoms, blobs: [one(x, blobs) for x in bottoms]


@pytest.mark.parametrize(
    ("options", "values"),
    [
        ("kernel_size: 3", {}),
        ("kernel_size: 1", {}),
        ("kernel_size: 2 stride: 2", {"stride": (2, 2)}),
        ("kernel_size: 4 stride: 2 pad: 1", {"stride": (2, 2), "pad": (1, 1)}),
        ("kernel_size: 3 pad: 1 bias_term: false", {"pad": (1, 1), "bias": False}),
        (
            "kernel_h: 3 kernel_w: 2 stride_h: 1 stride_w: 3 pad_h: 2 pad_w: 0",
            {"stride": (1, 3), "pad": (2, 0)},
        ),
        ("kernel_size: 2 stride: 4", {"stride": (4, 4)}),
        ("kernel_size: 3 dilation: 2", {"dilation": (2, 2)}),
        (
            "kernel_size: 3 kernel_size: 2 dilation: 1 dilation: 3 stride: 2 pad: 1 group: 2",
            {"dilation": (1, 3), "stride": (2, 2), "pad": (1, 1), "group": 2},
        ),
        ("kernel_size: 3 group: 2", {"group": 2}),
        ("kernel_size: 1 pad: 1", {"pad": (1, 1)}),
        ("kernel_size: 1 pad: 1 pad: 0 stride: 3", {"pad": (1, 0), "stride": (3, 3)}),
        ("kernel_size: 2 pad: 2", {"pad": (2, 2)}),
        ("kernel_h: 1 kernel_w: 2 pad_h: 1 pad_w: 1", {"pad": (1, 1)}),
        ("kernel_size: 2 pad: 3 stride: 3", {"pad": (3, 3), "stride": (3, 3)}),
        ("kernel_size: 3 group: 4 stride: 2", {"group": 4, "stride": (2, 2)}),
    ],
)
def test_options(parity, options, values):
    options = f"convolution_param {{ num_output: 8 {options} }}"
    parity("Deconvolution", options, [SHAPE], deconvolution(**values))


def test_several_bottoms(parity):
    options = "convolution_param { num_output: 2 kernel_size: 3 stride: 2 }"
    parity("Deconvolution", options, [SHAPE, (1, 4, 2, 3)], deconvolution((2, 2)), tops=2)


def test_the_bilinear_filler_interpolates(one_layer, agree):
    """As FCN does it: twice as large, each channel by itself; a plane of one value keeps it inside."""
    from protoface.converters.fillers import fill

    options = (
        "convolution_param { num_output: 3 group: 3 kernel_size: 4 stride: 2 pad: 1 bias_term: false "
        "weight_filler { type: 'bilinear' } }"
    )
    net = fill(one_layer("Deconvolution", options, [(1, 3, 4, 4)]), seed=0)

    def linear(feed):
        x = feed["x0"].astype(np.float64)
        for axis in (2, 3):
            before, behind = ([np.s_[:]] * 4 for _ in range(2))
            before[axis], behind[axis] = [0, *range(3)], [1, 2, 3, 3]
            lower, upper = x[tuple(before)], x[tuple(behind)]
            outside = np.zeros(4), np.zeros(4)
            outside[0][0] = outside[1][-1] = 1
            shape = [-1 if i == axis else 1 for i in range(4)]
            lower = lower * (1 - outside[0].reshape(shape))
            upper = upper * (1 - outside[1].reshape(shape))
            pair = np.stack([0.75 * x + 0.25 * lower, 0.75 * x + 0.25 * upper], axis + 1)
            x = pair.reshape([8 if i <= axis and i > 1 else s for i, s in enumerate(x.shape)])
        return {"y": x}

    agree(net, linear)


def test_multiply_adds(one_layer):
    options = "convolution_param { num_output: 8 kernel_size: 3 group: 2 }"
    graph = build_graph(one_layer("Deconvolution", options, [SHAPE]), "net")
    assert graph.multiply_adds() == 4 * 5 * 6 * (8 // 2) * 3 * 3
    assert graph.blob_specs()["layer.0"].shape == (4, 4, 3, 3)


@pytest.mark.parametrize(
    ("options", "shapes", "message"),
    [
        ("num_output: 8 kernel_size: 3 group: 3", [SHAPE], "group 3"),
        ("num_output: 8", [SHAPE], "has no kernel size"),
        ("num_output: 8 kernel_size: 1 pad: 3", [SHAPE], "takes all of its top"),
        ("num_output: 8 kernel_size: 3", [(1, 4)], "only N x C x H x W"),
    ],
)
def test_bad_options(one_layer, options, shapes, message):
    net = one_layer("Deconvolution", f"convolution_param {{ {options} }}", shapes)
    with pytest.raises(ProtofaceError, match=rf"layer 'layer' \(Deconvolution\): .*{message}"):
        build_graph(net, "net")


@pytest.mark.parametrize("behind", ["BatchNorm", "Scale", "Bias", "PReLU"])
@pytest.mark.parametrize(("group", "outputs"), [(2, 4), (4, 4)])
def test_groups_before_a_layer_that_opencv_merges_with(net_of, filled, agree, behind, group, outputs):
    """OpenCV 4 merges by the wrong weights, in its importers for Caffe and for ONNX."""
    net = net_of(
        'layer { name: "in" type: "Input" top: "x" input_param { shape { dim: [1, 4, 5, 6] } } }'
        'layer { name: "up" type: "Deconvolution" bottom: "x" top: "u" convolution_param {'
        f"  num_output: {outputs} kernel_size: 2 group: {group} }} }}"
        f'layer {{ name: "last" type: "{behind}" bottom: "u" top: "y" }}'
    )
    agree(filled(net))
