"""Random small nets: every runtime computes the same, whatever stands behind what."""

import numpy as np
import pytest
import torch
from google.protobuf import text_format
from hypothesis import HealthCheck, Phase, assume, event, given, settings
from hypothesis import strategies as st

from protoface.converters import (
    ProtofaceError,
    build_graph,
    caffe_pb2,
    fold_batch_norm,
    from_onnx,
    read_weights,
    to_onnx,
    with_weights,
    write_weights,
)
from protoface.converters.check import largest_difference
from protoface.converters.opencv_net import has_caffe_importer
from protoface.converters.pytorch import to_pytorch
from protoface.converters.runtimes import run_pytorch
from protoface.converters.weights import without_weights

SMALL, AXIS = st.integers(1, 3), st.sampled_from([-2, -1, 1, 2, 3])
FLAG = st.sampled_from(["true", "false"])


def fields(draw, **strategies):
    """Options as text, one field after the other; some will not fit the bottoms and are refused."""
    return " ".join(f"{name}: {draw(strategy)}" for name, strategy in strategies.items())


def convolution(draw):
    window = fields(draw, kernel_h=SMALL, kernel_w=SMALL, stride=SMALL, dilation=SMALL)
    rest = fields(
        draw,
        pad=st.integers(0, 2),
        bias_term=FLAG,
        group=st.sampled_from([1, 1, 2]),
        num_output=st.sampled_from([2, 4]),
    )
    return f"convolution_param {{ {window} {rest} }}"


def pooling(draw):
    method = fields(
        draw, pool=st.sampled_from(["MAX", "AVE"]), round_mode=st.sampled_from(["CEIL", "FLOOR"])
    )
    window = fields(
        draw,
        kernel_h=SMALL,
        kernel_w=SMALL,
        stride_h=SMALL,
        stride_w=SMALL,
        pad_h=st.integers(0, 1),
        pad_w=st.integers(0, 2),
    )
    return f"pooling_param {{ {method} {draw(st.sampled_from([window, 'global_pooling: true']))} }}"


def scale(draw):
    axes = fields(draw, axis=AXIS, num_axes=st.integers(-1, 2))
    return f"scale_param {{ {fields(draw, bias_term=FLAG)} {draw(st.sampled_from(['', axes]))} }}"


def simple(parameter, **strategies):
    return lambda draw: f"{parameter} {{ {fields(draw, **strategies)} }}"


def permutation(draw):
    order = draw(st.permutations([1, 2, 3]))
    return f"permute_param {{ order: {[0, *order]} }}"


def reshape(draw):
    dims = draw(st.sampled_from([[0, -1], [0, 0, -1], [0, -1, 2], [0, 2, -1, 1], [0, 1, -1]]))
    return f"reshape_param {{ shape {{ dim: {dims} }} }}"


def silent(draw):
    return ""


NUMBER, POSITIVE = st.sampled_from([-0.5, 0, 0.3, 1]), st.sampled_from([0.3, 1, 1.5])
# What is drawn of each type. Not drawn: what turns a difference in the last bit into another value
# (DetectionOutput), and what reads whole numbers or a sequence (Embed, LSTM), see tests of their own.
OPTIONS = {
    "AbsVal": silent,
    "Axpy": silent,
    "BNLL": silent,
    "BatchNorm": silent,
    "Bias": simple("bias_param", axis=AXIS, num_axes=st.integers(-1, 2)),
    "Clip": simple("clip_param", min=st.just(-0.7), max=st.sampled_from([0.4, 2])),
    "Concat": simple("concat_param", axis=AXIS),
    "Convolution": convolution,
    "ConvolutionDepthwise": convolution,
    "Crop": simple("crop_param", axis=st.sampled_from([2, 3, -1]), offset=st.integers(0, 2)),
    "Deconvolution": convolution,
    "Dropout": silent,
    "ELU": simple("elu_param", alpha=POSITIVE),
    "Eltwise": simple("eltwise_param", operation=st.sampled_from(["SUM", "PROD", "MAX"])),
    "Exp": simple("exp_param", base=st.sampled_from([-1, 2]), scale=st.sampled_from([-0.3, 0.2])),
    "Flatten": simple("flatten_param", axis=st.sampled_from([1, 2]), end_axis=AXIS),
    "InnerProduct": simple(
        "inner_product_param", num_output=SMALL, bias_term=FLAG, axis=AXIS, transpose=FLAG
    ),
    "Interp": simple("interp_param", height=st.integers(2, 8), width=st.integers(2, 8)),
    "LRN": simple(
        "lrn_param",
        local_size=st.sampled_from([1, 3, 5]),
        alpha=POSITIVE,
        beta=POSITIVE,
        norm_region=st.sampled_from(["ACROSS_CHANNELS", "WITHIN_CHANNEL"]),
    ),
    "MVN": simple("mvn_param", normalize_variance=FLAG, across_channels=FLAG, eps=st.just(0.01)),
    "Normalize": simple("norm_param", across_spatial=FLAG, channel_shared=FLAG, eps=st.just(0.01)),
    "PReLU": simple("prelu_param", channel_shared=FLAG),
    "Permute": permutation,
    "Pooling": pooling,
    "Power": simple("power_param", power=st.sampled_from([1, 2]), scale=NUMBER, shift=NUMBER),
    "ReLU": simple("relu_param", negative_slope=st.sampled_from([0, 0.1])),
    "ReLU6": silent,
    "Reduction": simple(
        "reduction_param",
        operation=st.sampled_from(["SUM", "ASUM", "SUMSQ", "MEAN"]),
        axis=st.sampled_from([1, 2, -1]),
        coeff=POSITIVE,
    ),
    "Reshape": reshape,
    "SPP": simple("spp_param", pyramid_height=st.integers(1, 2), pool=st.sampled_from(["MAX", "AVE"])),
    "Scale": scale,
    "ShuffleChannel": simple("shuffle_channel_param", group=st.sampled_from([1, 2])),
    "Sigmoid": silent,
    "Slice": simple("slice_param", axis=AXIS),
    "Softmax": simple("softmax_param", axis=AXIS),
    "Split": silent,
    "Swish": simple("swish_param", beta=POSITIVE),
    "TanH": silent,
    "Tile": simple("tile_param", axis=AXIS, tiles=SMALL),
    "Upsample": simple("upsample_param", scale=st.integers(1, 3)),
}
BOTTOMS = {"Axpy": 3, "Bias": (1, 2), "Concat": (2, 3), "Crop": 2, "Eltwise": (2, 3), "Scale": (1, 2)}
IN_PLACE = ("ReLU", "Scale", "Dropout", "BatchNorm", "PReLU", "Sigmoid", "TanH", "ELU", "Power", "Bias")


def fits(net):
    """Whether the last layer is valid and leaves the batch axis alone, so that any batch can run.

    Values of one axis are drawn by nobody: OpenCV 4 has no such arrays and fails on what follows.
    """
    try:
        node = build_graph(net, "net").nodes[-1]
    except ProtofaceError:
        return False
    layer = node.layer
    if any(len(value.shape) < 2 for value in node.tops):
        return False
    if layer.param.type == "Reshape":
        return True  # those drawn keep it
    return getattr(layer, "start", 1) > 0 and getattr(layer, "along", 1) > 0


@st.composite
def nets(draw):
    """A net of one or two inputs and up to seven layers, each reading any blobs made before."""
    net = caffe_pb2.NetParameter(name="random")
    shape = (1, draw(st.sampled_from([2, 4])), draw(st.integers(3, 7)), draw(st.integers(3, 7)))
    inputs = ["x0", "x1"][: draw(st.integers(1, 2))]
    net.layer.add(name="in", type="Input", top=inputs).input_param.shape.add(dim=shape)
    for index in range(draw(st.integers(1, 7))):
        kind = draw(st.sampled_from(sorted(OPTIONS)))
        made = sorted({top for layer in net.layer for top in layer.top})
        counts = BOTTOMS.get(kind, 1)
        count = counts if isinstance(counts, int) else draw(st.integers(*counts))
        bottoms = [draw(st.sampled_from(made)) for _ in range(count)]
        in_place = kind in IN_PLACE and draw(st.booleans())
        tops = [bottoms[0]] if in_place else [f"b{index}"]
        if kind in ("Split", "Slice"):
            tops = [f"b{index}", f"c{index}"]
        layer = net.layer.add(name=f"layer/{index}", type=kind, bottom=bottoms, top=tops)
        text_format.Merge(OPTIONS[kind](draw), layer)
        if fits(net):
            event(kind)
        else:
            del net.layer[-1]
    return net


def moderate(net):
    """Whether what a net computes stays finite and so small that float32 tells it apart."""
    feed = {
        value.blob: np.random.default_rng(0).normal(size=(2, *value.shape[1:]))
        for value in build_graph(net, "net").inputs
    }
    with np.errstate(all="ignore"):
        blobs = to_pytorch(net, "net").double().blobs(*map(torch.from_numpy, feed.values()))
    largest = [float(blob.detach().abs().max()) for blob in blobs.values()]
    return all(1e-3 < value < 1e4 for value in largest)


def all_read(net):
    """Whether layers read the values of all inputs; of a Crop's second bottom only the size counts."""
    graph = to_onnx(net, "net").graph
    read = {name for node in graph.node for name in node.input}
    return all(value.name in read for value in graph.input)


def every_runtime_agrees(filled, agree, net):
    net = filled(net)
    assume(moderate(net))
    assume(not has_caffe_importer() or all_read(net))  # OpenCV 4 refuses the others by way of ONNX
    agree(net, batches=(1, 3), within=1e-4)
    folded = fold_batch_norm(net, "net")
    agree(folded, batches=(2,), within=1e-4)


QUIET = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]
PHASES = [Phase.explicit, Phase.generate, Phase.shrink]


@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=QUIET, phases=PHASES)
@given(net=nets())
def test_a_few(filled, agree, net):
    every_runtime_agrees(filled, agree, net)


@pytest.mark.slow
@settings(max_examples=400, deadline=None, suppress_health_check=QUIET, phases=PHASES)
@given(net=nets())
def test_many(filled, agree, net):
    every_runtime_agrees(filled, agree, net)


@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=QUIET)
@given(net=nets())
@pytest.mark.filterwarnings("ignore:.*layer names contain")
def test_weights_survive_every_format(tmp_path, filled, net):
    net = filled(net)
    if not any(layer.blobs for layer in net.layer):
        return
    for suffix in (".caffemodel", ".caffemodel.h5", ".pt"):
        path = tmp_path / f"n{suffix}"
        write_weights(path, net)
        assert with_weights(without_weights(net), read_weights(path), "n") == net


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=QUIET)
@given(net=nets())
def test_back_from_onnx(filled, net):
    net = filled(net)
    assume(moderate(net))
    back = from_onnx(to_onnx(net, "net"), "net.onnx")
    feed = {
        value.blob: np.random.default_rng(0).normal(size=value.shape)
        for value in build_graph(net, "net").inputs
    }
    names = {value.blob: value.name for value in build_graph(net, "net").outputs}
    expected = {names[blob]: y for blob, y in run_pytorch(net, np.float64)(feed).items()}
    assert largest_difference(expected, run_pytorch(back, np.float64)(feed)) < 1e-5
