"""Kernel, pad, stride and dilation of sliding windows, read as Caffe reads them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .. import caffe_pb2
from .layer import Layer

Pair = tuple[int, int]


@dataclass(frozen=True)
class Geometry:
    """A two-dimensional window; every pair is (vertical, horizontal), in pixels."""

    kernel: Pair
    pad: Pair
    stride: Pair
    dilation: Pair = (1, 1)

    @property
    def extent(self) -> Pair:
        """Pixels from the first to the last one under the dilated kernel, both included."""
        return (
            self.dilation[0] * (self.kernel[0] - 1) + 1,
            self.dilation[1] * (self.kernel[1] - 1) + 1,
        )


def convolution_geometry(layer: Layer, param: caffe_pb2.ConvolutionParameter) -> Geometry:
    """Window of a convolution. Source: Caffe, base_conv_layer.cpp, LayerSetUp."""
    return Geometry(
        kernel=_positive(layer, "kernel", _pair(layer, param, "kernel", param.kernel_size, None)),
        pad=_pair(layer, param, "pad", param.pad, 0),
        stride=_positive(layer, "stride", _pair(layer, param, "stride", param.stride, 1)),
        dilation=_positive(layer, "dilation", _one_or_two(layer, "dilation", param.dilation, 1)),
    )


def pooling_geometry(layer: Layer, param: caffe_pb2.PoolingParameter) -> Geometry:
    """Window of a pooling layer. Source: Caffe, pooling_layer.cpp, LayerSetUp."""
    if param.global_pooling:
        if any(map(param.HasField, ("kernel_size", "kernel_h", "kernel_w"))):
            layer.fail("global_pooling takes the whole plane; remove its kernel size")
        strides = param.stride, param.stride_h or 1, param.stride_w or 1
        if any((param.pad, param.pad_h, param.pad_w)) or strides != (1, 1, 1):
            layer.fail("global_pooling takes the whole plane; its pad must be 0 and its stride 1")
        height, width = layer.bottoms[0][2:]
        return Geometry((height, width), (0, 0), (1, 1))

    def given(name: str) -> list[int]:
        return [getattr(param, name)] if param.HasField(name) else []

    geometry = Geometry(
        kernel=_positive(layer, "kernel", _pair(layer, param, "kernel", given("kernel_size"), None)),
        pad=_pair(layer, param, "pad", given("pad"), 0),
        stride=_positive(layer, "stride", _pair(layer, param, "stride", given("stride"), 1)),
    )
    if any(pad >= kernel for pad, kernel in zip(geometry.pad, geometry.kernel, strict=True)):
        layer.fail(f"pad {geometry.pad} must be smaller than the kernel {geometry.kernel}")
    return geometry


def _pair(
    layer: Layer,
    param: caffe_pb2.ConvolutionParameter | caffe_pb2.PoolingParameter,
    name: str,
    values: Sequence[int],
    default: int | None,
) -> Pair:
    """`<name>_h` and `<name>_w`, or the one or two values of `<name>` (`kernel_size`)."""
    vertical, horizontal = f"{name}_h", f"{name}_w"
    if param.HasField(vertical) or param.HasField(horizontal):
        if values:
            layer.fail(f"gives {name} twice, as one field and as {vertical}/{horizontal}")
        return getattr(param, vertical), getattr(param, horizontal)
    return _one_or_two(layer, name, values, default)


def _one_or_two(layer: Layer, name: str, values: Sequence[int], default: int | None) -> Pair:
    if not values:
        if default is None:
            layer.fail(f"has no {name} size")
        return default, default
    if len(values) > 2:
        layer.fail(f"{len(values)} values of {name}: only two-dimensional windows are supported")
    return values[0], values[-1]


def _positive(layer: Layer, name: str, pair: Pair) -> Pair:
    if min(pair) < 1:
        layer.fail(f"{name} {pair} must be at least 1")
    return pair
