"""Layers and groups of layers that the nets are made of, with the original's names and fillers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from protoface.converters import caffe_pb2

Layer = caffe_pb2.LayerParameter


def fully_connected(bottom: str, hidden: int, out: int) -> Iterator[Layer]:
    """The original's end: a hidden layer, Dropout, `fc2`."""
    yield inner_product("fc1", bottom, hidden)
    yield relu("relu_fc1", "fc1")
    yield in_place("drop_fc1", "Dropout", "fc1", dropout_param={"dropout_ratio": 0.3})
    yield inner_product("fc2", "fc1", out)


def attention(bottom: str, out: int) -> Iterator[Layer]:
    """Every place of a map answers, and a softmax over the places weighs the answers: `points`.

    An answer is what the place sees (`offset`) plus where it lies, which `place` learns. Both sides of
    the product are out x places.
    """
    flat = caffe_pb2.ReshapeParameter(shape={"dim": [0, out, -1]})
    answer = caffe_pb2.ConvolutionParameter(
        num_output=out, kernel_size=[1], weight_filler={"type": "gaussian", "std": 0.01}
    )
    twice = [{"lr_mult": 1, "decay_mult": 1}, {"lr_mult": 2, "decay_mult": 0}]
    for name in ("score", "offset"):
        yield step(name, "Convolution", bottom, param=twice, convolution_param=answer)
    yield step("scores", "Reshape", "score", reshape_param=flat)
    yield step("attention", "Softmax", "scores", softmax_param={"axis": 2})
    where = {"axis": 1, "num_axes": 3}
    yield step("place", "Bias", "offset", param=[{"lr_mult": 1, "decay_mult": 0}], bias_param=where)
    yield step("answers", "Reshape", "place", reshape_param=flat)
    yield step("weighed", "Eltwise", "attention", "answers", eltwise_param={"operation": "PROD"})
    yield step("points", "Reduction", "weighed", reduction_param={"operation": "SUM", "axis": 2})


def conv_bn(
    name: str, bottom: str, out: int, kernel: int = 1, stride: int = 1, stem: bool = False
) -> Iterator[Layer]:
    """Convolution without bias, BatchNorm, Scale. The stem leaves Caffe's engine to Caffe."""
    options = caffe_pb2.ConvolutionParameter(
        num_output=out,
        bias_term=False,
        pad=[kernel // 2],
        kernel_size=[kernel],
        stride=[stride],
        weight_filler={"type": "msra"},
    )
    if not stem:
        options.engine = caffe_pb2.ConvolutionParameter.CAFFE
    yield convolution("Convolution", f"{name}_new", bottom, options, decay=1)
    yield from batch_norm(name)


def depthwise_bn(name: str, bottom: str, channels: int, stride: int) -> Iterator[Layer]:
    """The original's depthwise layer, which is not decayed, then BatchNorm and Scale."""
    options = caffe_pb2.ConvolutionParameter(
        num_output=channels,
        bias_term=False,
        pad=[1],
        kernel_size=[3],
        stride=[stride],
        weight_filler={"type": "msra"},
        engine="CAFFE",
    )
    yield convolution("ConvolutionDepthwise", f"{name}_new", bottom, options, decay=0)
    yield from batch_norm(name)


def convolution(
    kind: str, name: str, bottom: str, options: caffe_pb2.ConvolutionParameter, decay: float
) -> Layer:
    """A convolution of either kind."""
    param = [{"lr_mult": 1, "decay_mult": decay}]
    return step(name, kind, bottom, param=param, convolution_param=options)


def batch_norm(name: str) -> Iterator[Layer]:
    """BatchNorm (three statistics that no solver moves) and Scale, in place on `<name>_new`."""
    blob = f"{name}_new"
    frozen = [{"lr_mult": 0, "decay_mult": 0}] * 3
    yield in_place(f"{name}/bn_new", "BatchNorm", blob, param=frozen)
    scale = caffe_pb2.ScaleParameter(filler={"value": 1}, bias_term=True, bias_filler={"value": 0})
    yield in_place(f"{name}/scale_new", "Scale", blob, scale_param=scale)


def relu(name: str, blob: str) -> Layer:
    """ReLU in place, not ReLU6."""
    return in_place(name, "ReLU", blob)


def step(name: str, kind: str, *bottoms: str, **options: Any) -> Layer:
    """A layer whose top has its name; `options` are fields of LayerParameter."""
    return Layer(name=name, type=kind, bottom=bottoms, top=[name], **options)


def in_place(name: str, kind: str, blob: str, **options: Any) -> Layer:
    """A layer that reads and writes `blob`; `options` are fields of LayerParameter."""
    return Layer(name=name, type=kind, bottom=[blob], top=[blob], **options)


def inner_product(name: str, bottom: str, out: int) -> Layer:
    """A fully connected layer; its bias learns twice as fast, by Caffe's custom."""
    options = caffe_pb2.InnerProductParameter(
        num_output=out,
        weight_filler={"type": "gaussian", "std": 0.01},
        bias_filler={"type": "constant", "value": 0},
    )
    param = [{"lr_mult": 1, "decay_mult": 1}, {"lr_mult": 2, "decay_mult": 1}]
    return step(name, "InnerProduct", bottom, param=param, inner_product_param=options)
