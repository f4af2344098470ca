"""Whole nets in the style of the well-known ones: random weights, every runtime, and back from ONNX.

Narrower than their models, at small sizes; layers and options are those of the published files.
"""

import numpy as np
import pytest

from protoface.converters import ProtofaceError, build_graph, from_onnx, to_onnx
from protoface.converters.check import largest_difference
from protoface.converters.layers import layer_types
from protoface.converters.opencv_net import has_caffe_importer
from protoface.converters.part import cut_net
from protoface.converters.runtimes import run_pytorch


class Text:
    """A net's text, written layer by layer; each method appends one and returns its top."""

    def __init__(self, *shape):
        size = f"input_param {{ shape {{ dim: {list(shape)} }} }}"
        self.lines = [f"layer {{ name: 'data' type: 'Input' top: 'data' {size} }}"]

    def layer(self, kind, name, bottoms, options="", top=None):
        bottoms = [bottoms] if isinstance(bottoms, str) else bottoms
        read = " ".join(f"bottom: '{bottom}'" for bottom in bottoms)
        top = top or name
        self.lines.append(f"layer {{ name: '{name}' type: '{kind}' {read} top: '{top}' {options} }}")
        return top

    def conv(self, name, bottom, outputs, kernel, more="", relu=True):
        window = f"num_output: {outputs} kernel_size: {kernel} {more}"
        top = self.layer("Convolution", name, bottom, f"convolution_param {{ {window} }}")
        return self.layer("ReLU", f"{name}/relu", top, top=top) if relu else top

    def normal(self, name, bottom, kind, outputs, kernel, more="", relu="ReLU"):
        """Convolution without a bias, BatchNorm, Scale and perhaps a ReLU, in place."""
        window = f"num_output: {outputs} kernel_size: {kernel} bias_term: false {more}"
        top = self.layer(kind, name, bottom, f"convolution_param {{ {window} }}")
        self.layer("BatchNorm", f"{name}/bn", top, top=top)
        self.layer("Scale", f"{name}/scale", top, "scale_param { bias_term: true }", top=top)
        return self.layer(relu, f"{name}/relu", top, top=top) if relu else top

    def pool(self, name, bottom, options):
        return self.layer("Pooling", name, bottom, f"pooling_param {{ {options} }}")

    def full(self, name, bottom, outputs):
        return self.layer(
            "InnerProduct", name, bottom, f"inner_product_param {{ num_output: {outputs} }}"
        )

    def softmax(self, bottom):
        return self.layer("Softmax", "prob", bottom)

    def __str__(self):
        return "\n".join(self.lines)


def lenet():
    net = Text(1, 1, 28, 28)
    x = net.conv("conv1", "data", 20, 5, relu=False)
    x = net.pool("pool1", x, "kernel_size: 2 stride: 2")
    x = net.conv("conv2", x, 50, 5, relu=False)
    x = net.pool("pool2", x, "kernel_size: 2 stride: 2")
    x = net.full("ip1", x, 100)
    net.layer("ReLU", "relu1", x, top=x)
    net.softmax(net.full("ip2", x, 10))
    return net


def alexnet():
    net = Text(1, 3, 67, 67)
    x = net.conv("conv1", "data", 24, 11, "stride: 4")
    x = net.layer("LRN", "norm1", x, "lrn_param { local_size: 5 alpha: 0.0001 beta: 0.75 }")
    x = net.pool("pool1", x, "kernel_size: 3 stride: 2")
    x = net.conv("conv2", x, 32, 5, "pad: 2 group: 2")
    x = net.layer("LRN", "norm2", x, "lrn_param { local_size: 5 alpha: 0.0001 beta: 0.75 }")
    x = net.pool("pool2", x, "kernel_size: 3 stride: 2")
    x = net.conv("conv3", x, 48, 3, "pad: 1")
    x = net.conv("conv4", x, 48, 3, "pad: 1 group: 2")
    x = net.conv("conv5", x, 32, 3, "pad: 1 group: 2")
    x = net.pool("pool5", x, "kernel_size: 3 stride: 2")
    for name in ("fc6", "fc7"):
        x = net.full(name, x, 64)
        net.layer("ReLU", f"{name}/relu", x, top=x)
        net.layer("Dropout", f"{name}/drop", x, "dropout_param { dropout_ratio: 0.5 }", top=x)
    net.softmax(net.full("fc8", x, 20))
    return net


def inception(net, name, bottom, sizes):
    one, three_in, three, five_in, five, pooled = sizes
    a = net.conv(f"{name}/1x1", bottom, one, 1)
    b = net.conv(f"{name}/3x3", net.conv(f"{name}/3x3_reduce", bottom, three_in, 1), three, 3, "pad: 1")
    c = net.conv(f"{name}/5x5", net.conv(f"{name}/5x5_reduce", bottom, five_in, 1), five, 5, "pad: 2")
    d = net.pool(f"{name}/pool", bottom, "kernel_size: 3 stride: 1 pad: 1")
    d = net.conv(f"{name}/pool_proj", d, pooled, 1)
    return net.layer("Concat", f"{name}/output", [a, b, c, d])


def googlenet():
    net = Text(1, 3, 64, 64)
    x = net.conv("conv1", "data", 16, 7, "pad: 3 stride: 2")
    x = net.pool("pool1", x, "kernel_size: 3 stride: 2")
    x = net.layer("LRN", "norm1", x, "lrn_param { local_size: 5 alpha: 0.0001 beta: 0.75 }")
    x = net.conv("conv2", net.conv("conv2/reduce", x, 16, 1), 24, 3, "pad: 1")
    x = net.layer("LRN", "norm2", x, "lrn_param { local_size: 5 alpha: 0.0001 beta: 0.75 }")
    x = net.pool("pool2", x, "kernel_size: 3 stride: 2")
    x = inception(net, "3a", x, (8, 12, 16, 2, 4, 4))
    x = inception(net, "3b", x, (16, 16, 24, 4, 12, 8))
    x = net.pool("pool3", x, "kernel_size: 3 stride: 2")
    for name in ("4a", "4b"):
        x = inception(net, name, x, (24, 12, 26, 2, 6, 8))
    x = net.pool("pool4", x, "kernel_size: 3 stride: 2")
    x = inception(net, "5a", x, (32, 20, 40, 4, 16, 16))
    x = net.pool("pool5", x, "pool: AVE kernel_size: 2 stride: 1")
    x = net.layer("Dropout", "drop", x, "dropout_param { dropout_ratio: 0.4 }", top=x)
    net.softmax(net.full("classifier", x, 20))
    return net


def squeezenet():
    net = Text(1, 3, 59, 59)
    x = net.conv("conv1", "data", 16, 3, "stride: 2")
    x = net.pool("pool1", x, "kernel_size: 3 stride: 2")
    for index, (squeeze, expand) in enumerate([(4, 16), (4, 16), (8, 32), (8, 32)], start=2):
        if index == 4:
            x = net.pool("pool3", x, "kernel_size: 3 stride: 2")
        small = net.conv(f"fire{index}/squeeze", x, squeeze, 1)
        a = net.conv(f"fire{index}/expand1x1", small, expand, 1)
        b = net.conv(f"fire{index}/expand3x3", small, expand, 3, "pad: 1")
        x = net.layer("Concat", f"fire{index}/concat", [a, b])
    net.layer("Dropout", "drop9", x, top=x)
    x = net.conv("conv10", x, 20, 1, "pad: 1")
    net.softmax(net.pool("pool10", x, "pool: AVE global_pooling: true"))
    return net


def resnet():
    net = Text(1, 3, 64, 64)
    x = net.normal("conv1", "data", "Convolution", 16, 7, "pad: 3 stride: 2")
    x = net.pool("pool1", x, "kernel_size: 3 stride: 2")
    for index, (width, stride) in enumerate([(8, 1), (8, 1), (16, 2), (16, 1), (32, 2)]):
        name, through = f"res{index}", x
        if stride == 2 or index == 0:
            more = f"stride: {stride}"
            through = net.normal(f"{name}_1", x, "Convolution", 4 * width, 1, more, relu=None)
        y = net.normal(f"{name}_2a", x, "Convolution", width, 1, f"stride: {stride}")
        y = net.normal(f"{name}_2b", y, "Convolution", width, 3, "pad: 1")
        y = net.normal(f"{name}_2c", y, "Convolution", 4 * width, 1, relu=None)
        x = net.layer("Eltwise", name, [through, y])
        net.layer("ReLU", f"{name}_relu", x, top=x)
    x = net.pool("pool5", x, "pool: AVE kernel_size: 4 stride: 1")
    net.softmax(net.full("fc1000", x, 20))
    return net


def mobilenet_v1(net, depthwise="Convolution"):
    x, channels = net.normal("conv0", "data", "Convolution", 8, 3, "pad: 1 stride: 2"), 8
    for index, (width, stride) in enumerate([(16, 1), (32, 2), (32, 1), (64, 2), (64, 1)], start=1):
        group = f"group: {channels}" if depthwise == "Convolution" else ""
        more = f"pad: 1 stride: {stride} {group}"
        x = net.normal(f"conv{index}/dw", x, depthwise, channels, 3, more)
        x, channels = net.normal(f"conv{index}", x, "Convolution", width, 1), width
    return x


def mobilenet():
    net = Text(1, 3, 64, 64)
    x = net.pool("pool6", mobilenet_v1(net), "pool: AVE global_pooling: true")
    net.softmax(net.conv("fc7", x, 20, 1, relu=False))
    return net


def mobilenet_v2():
    net = Text(1, 3, 64, 64)
    x, channels = net.normal("conv1", "data", "Convolution", 8, 3, "pad: 1 stride: 2", "ReLU6"), 8
    blocks = [(1, 8, 1), (6, 12, 2), (6, 12, 1), (6, 16, 2), (6, 16, 1)]
    for index, (factor, width, stride) in enumerate(blocks):
        name, inner = f"block{index}", factor * channels
        y = net.normal(f"{name}/expand", x, "Convolution", inner, 1, relu="ReLU6")
        more = f"pad: 1 stride: {stride}"
        y = net.normal(f"{name}/dwise", y, "ConvolutionDepthwise", inner, 3, more, "ReLU6")
        y = net.normal(f"{name}/linear", y, "Convolution", width, 1, relu=None)
        same = stride == 1 and channels == width
        x, channels = net.layer("Eltwise", f"{name}/add", [x, y]) if same else y, width
    x = net.pool("pool6", x, "pool: AVE global_pooling: true")
    net.softmax(net.full("fc7", x, 20))
    return net


def mobilenet_ssd():
    net = Text(1, 3, 96, 96)
    mobilenet_v1(net)
    sources = [("conv3", 2, 20, 40), ("conv5", 4, 40, 70)]
    heads = {"loc": [], "conf": [], "prior": []}
    for name, priors, low, high in sources:
        for head, numbers in (("loc", 4), ("conf", 3)):
            x = net.conv(f"{name}/{head}", name, priors * numbers, 1, relu=False)
            x = net.layer("Permute", f"{x}/perm", x, "permute_param { order: [0, 2, 3, 1] }")
            heads[head].append(net.layer("Flatten", f"{x}/flat", x, "flatten_param { axis: 1 }"))
        ratios = "aspect_ratio: 2.0 flip: true" if priors == 4 else ""
        sizes = f"min_size: {low} max_size: {high} {ratios} clip: false offset: 0.5"
        variances = "variance: 0.1 variance: 0.1 variance: 0.2 variance: 0.2"
        options = f"prior_box_param {{ {sizes} {variances} }}"
        heads["prior"].append(net.layer("PriorBox", f"{name}/prior", [name, "data"], options))
    loc = net.layer("Concat", "mbox_loc", heads["loc"], "concat_param { axis: 1 }")
    conf = net.layer("Concat", "mbox_conf", heads["conf"], "concat_param { axis: 1 }")
    prior = net.layer("Concat", "mbox_priorbox", heads["prior"], "concat_param { axis: 2 }")
    shape = "reshape_param { shape { dim: 0 dim: -1 dim: 3 } }"
    conf = net.layer("Reshape", "mbox_conf_reshape", conf, shape)
    conf = net.layer("Softmax", "mbox_conf_softmax", conf, "softmax_param { axis: 2 }")
    conf = net.layer("Flatten", "mbox_conf_flatten", conf, "flatten_param { axis: 1 }")
    return net, loc, conf, prior


def ssd():
    net, *bottoms = mobilenet_ssd()
    options = (
        "num_classes: 3 share_location: true background_label_id: 0 code_type: CENTER_SIZE "
        "nms_param { nms_threshold: 0.45 top_k: 100 } keep_top_k: 20 confidence_threshold: 0.3"
    )
    net.layer("DetectionOutput", "detection_out", bottoms, f"detection_output_param {{ {options} }}")
    return net


def prelu(net, name, bottom):
    return net.layer("PReLU", f"{name}/prelu", bottom, top=bottom)


def p_net():
    net = Text(1, 3, 27, 24)
    x = prelu(net, "1", net.conv("conv1", "data", 10, 3, relu=False))
    x = net.pool("pool1", x, "kernel_size: 2 stride: 2")
    x = prelu(net, "2", net.conv("conv2", x, 16, 3, relu=False))
    x = prelu(net, "3", net.conv("conv3", x, 32, 3, relu=False))
    net.layer("Softmax", "prob1", net.conv("conv4-1", x, 2, 1, relu=False))
    net.conv("conv4-2", x, 4, 1, relu=False)
    return net


def r_net(size=24, widths=(28, 48, 64), hidden=128, points=False):
    net = Text(1, 3, size, size)
    x = prelu(net, "1", net.conv("conv1", "data", widths[0], 3, relu=False))
    x = net.pool("pool1", x, "kernel_size: 3 stride: 2")
    x = prelu(net, "2", net.conv("conv2", x, widths[1], 3, relu=False))
    x = net.pool("pool2", x, "kernel_size: 3 stride: 2")
    x = prelu(net, "3", net.conv("conv3", x, widths[2], 3 if points else 2, relu=False))
    if points:
        x = net.pool("pool3", x, "kernel_size: 2 stride: 2")
        x = prelu(net, "4", net.conv("conv4", x, 64, 2, relu=False))
    x = prelu(net, "5", net.full("conv5", x, hidden))
    net.layer("Softmax", "prob1", net.full("conv6-1", x, 2))
    net.full("conv6-2", x, 4)
    if points:
        net.full("conv6-3", x, 10)
    return net


def o_net():
    return r_net(48, (16, 32, 32), 64, points=True)


NETS = [lenet, alexnet, googlenet, squeezenet, resnet, mobilenet, mobilenet_v2, ssd]
NETS += [p_net, r_net, o_net]


@pytest.fixture(params=NETS, ids=lambda make: make.__name__)
def net(request, net_of, filled):
    made = net_of(str(request.param()))
    missing = sorted({layer.type for layer in made.layer} - set(layer_types()))
    if missing:
        pytest.skip(f"no layer {', '.join(missing)}")
    return filled(made)


def test_every_runtime_agrees(agree, net):
    if net.layer[-1].type == "DetectionOutput":
        if has_caffe_importer():
            pytest.skip(
                "OpenCV 4 orders detections otherwise: layers/test_detection_output.py compares"
            )
        agree(net, batches=(1,), within=1e-4)
    else:
        agree(net, within=1e-4)


def test_the_heads_of_ssd(agree, net_of, filled):
    """What is left of it without its own box arithmetic, by `--output-blob`."""
    heads = cut_net(net_of(str(ssd())), ["mbox_loc", "mbox_conf_flatten"])
    assert not {"PriorBox", "DetectionOutput"} & {layer.type for layer in heads.layer}
    agree(filled(heads), within=1e-4)


def test_and_back_from_onnx(net):
    """The same numbers once more; layers without an ONNX operator of their own come back as several."""
    if net.layer[-1].type == "DetectionOutput":
        with pytest.raises(ProtofaceError, match=r"\(TopK\): the operator TopK has no Caffe layer"):
            from_onnx(to_onnx(net, "net"), "net.onnx")
        return
    back = from_onnx(to_onnx(net, "net"), "net.onnx")
    inputs = build_graph(net, "net").inputs
    feed = {value.blob: np.random.default_rng(0).normal(size=(2, *value.shape[1:])) for value in inputs}
    expected = run_pytorch(net, np.float64)(feed)
    assert largest_difference(expected, run_pytorch(back, np.float64)(feed)) < 1e-5
