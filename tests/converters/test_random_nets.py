"""Random small nets: every runtime computes the same, whatever stands behind what."""

import pytest
from google.protobuf import text_format
from hypothesis import HealthCheck, Phase, event, given, settings
from hypothesis import strategies as st
from protoface.converters import (
    ProtofaceError,
    build_graph,
    caffe_pb2,
    fold_batch_norm,
    read_weights,
    with_weights,
    write_weights,
)
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


# What is drawn of each type; types that are not here yet are drawn by nobody.
OPTIONS = {
    "BatchNorm": lambda draw: "",
    "Concat": simple("concat_param", axis=AXIS),
    "Convolution": convolution,
    "ConvolutionDepthwise": convolution,
    "Dropout": lambda draw: "",
    "Eltwise": simple("eltwise_param", operation=st.sampled_from(["SUM", "PROD", "MAX"])),
    "Flatten": simple("flatten_param", axis=st.sampled_from([1, 2]), end_axis=AXIS),
    "InnerProduct": simple(
        "inner_product_param", num_output=SMALL, bias_term=FLAG, axis=AXIS, transpose=FLAG
    ),
    "PReLU": simple("prelu_param", channel_shared=FLAG),
    "Pooling": pooling,
    "ReLU": simple("relu_param", negative_slope=st.sampled_from([0, 0.1])),
    "Scale": scale,
    "Softmax": simple("softmax_param", axis=AXIS),
    "Split": lambda draw: "",
}


def fits(net):
    """Whether the last layer is valid and leaves the batch axis alone, so that any batch can run."""
    try:
        layer = build_graph(net, "net").nodes[-1].layer
    except ProtofaceError:
        return False
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
        count = draw(st.integers(2, 3)) if kind in ("Eltwise", "Concat", "Scale") else 1
        bottoms = [draw(st.sampled_from(made)) for _ in range(count)]
        in_place = kind in ("ReLU", "Scale", "Dropout", "BatchNorm", "PReLU") and draw(st.booleans())
        tops = [bottoms[0]] if in_place else [f"b{index}"]
        if kind == "Split":
            tops = [f"b{index}", f"c{index}"]
        layer = net.layer.add(name=f"layer/{index}", type=kind, bottom=bottoms, top=tops)
        text_format.Merge(OPTIONS[kind](draw), layer)
        if fits(net):
            event(kind)
        else:
            del net.layer[-1]
    return net


def every_runtime_agrees(filled, agree, net):
    net = filled(net)
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
