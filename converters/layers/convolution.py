"""Convolution and the original experiment's ConvolutionDepthwise."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from .. import caffe_pb2
from ..blobs import Array, Shape
from .geometry import convolution_geometry
from .layer import BlobSpec, Layer, register

if TYPE_CHECKING:
    import torch

    from ..onnx_graph import OnnxGraph


@register("Convolution")
class Convolution(Layer):
    """Two-dimensional convolution with groups, dilation and rectangular kernels.

    Weight (out, in/group, kh, kw), then the bias (out). The output size rounds down. Source: Caffe,
    src/caffe/layers/base_conv_layer.cpp and conv_layer.cpp.
    """

    notes = (
        "N x C x H x W with `axis` 1 only. OpenCV 4: padded 1x1 kernels, and depthwise ones that are "
        "dilated by more than they are padded, by way of ONNX"
    )

    def check(self) -> None:
        options = self.param.convolution_param
        self.expect_bottoms(max(1, len(self.param.top)))
        if any(len(bottom) != 4 for bottom in self.bottoms) or options.axis not in (1, -3):
            self.fail("only N x C x H x W bottoms with axis 1 are supported")
        if any(bottom[1] != self.bottoms[0][1] for bottom in self.bottoms):
            self.fail("its bottoms have different numbers of channels")
        self.geometry = convolution_geometry(self, options)
        self.outputs, self.group = self.outputs_and_group()
        if self.group < 1 or self.bottoms[0][1] % self.group or self.outputs % self.group:
            self.fail(f"{self.bottoms[0][1]} channels in, {self.outputs} out, group {self.group}")
        if self.outputs < 1:
            self.fail("num_output must be at least 1")

    def outputs_and_group(self) -> tuple[int, int]:
        """Channels out, and the number of groups that channels are split into."""
        options = self.param.convolution_param
        return options.num_output, options.group

    def blobs(self) -> list[BlobSpec]:
        options = self.param.convolution_param
        weight = (self.outputs, self.bottoms[0][1] // self.group, *self.geometry.kernel)
        specs = [BlobSpec(weight, options.weight_filler)]
        if options.bias_term:
            specs.append(BlobSpec((self.outputs,), options.bias_filler))
        return specs

    def tops(self) -> list[Shape]:
        return [self.top_shape(bottom) for bottom in self.bottoms]

    def top_shape(self, bottom: Shape) -> Shape:
        """Shape of the top that a bottom gives."""
        g = self.geometry
        height, width = (
            (bottom[2 + i] + 2 * g.pad[i] - g.extent[i]) // g.stride[i] + 1 for i in (0, 1)
        )
        if height < 1 or width < 1:
            self.fail(f"its kernel {g.extent} is larger than its padded bottom {list(bottom)}")
        return (bottom[0], self.outputs, height, width)

    def multiply_adds(self) -> int:
        weight = self.blobs()[0].shape
        return sum(math.prod(top) for top in self.tops()) * math.prod(weight[1:])

    def forward(
        self, bottoms: list[torch.Tensor], blobs: list[torch.Tensor], train: bool
    ) -> list[torch.Tensor]:
        from torch.nn.functional import conv2d

        g = self.geometry
        weight, bias = blobs[0], blobs[1] if len(blobs) > 1 else None
        return [
            conv2d(bottom, weight, bias, g.stride, g.pad, g.dilation, self.group) for bottom in bottoms
        ]

    def onnx(self, graph: OnnxGraph, bottoms: list[str], blobs: list[Array], tops: list[str]) -> None:
        g = self.geometry
        apart = self.pads_apart()
        attributes = {
            "kernel_shape": g.kernel,
            "pads": (0, 0, 0, 0) if apart else (*g.pad, *g.pad),
            "strides": g.stride,
            "dilations": g.dilation,
            "group": self.group,
        }
        parameters = graph.blobs(self.param.name, blobs)
        for bottom, top in zip(bottoms, tops, strict=True):
            if apart:
                bottom = graph.pad(bottom, g.pad, g.pad, 0, f"{self.param.name}/padded")
            graph.node("Conv", [bottom, *parameters], [top], attributes)

    def pads_apart(self) -> bool:
        """Whether runtimes that would read beyond the picture are given the padding beforehand.

        OpenCV 5.0 does so for a padded 1x1 kernel; OpenCV 4.14 for a depthwise one that is dilated by
        more than it is padded.
        """
        g, channels = self.geometry, self.bottoms[0][1]
        depthwise = self.group == channels == self.outputs
        thin = any(0 < pad < dilation for pad, dilation in zip(g.pad, g.dilation, strict=True))
        return (g.kernel == (1, 1) and any(g.pad)) or (depthwise and thin)

    def opencv(self, param: caffe_pb2.LayerParameter) -> list[caffe_pb2.LayerParameter] | None:
        if self.pads_apart():
            return None
        # OpenCV reads `num_output` of a depthwise one.
        param.type = "Convolution"
        param.convolution_param.num_output, param.convolution_param.group = self.outputs, self.group
        return self.one_for_each_bottom(param)

    def one_for_each_bottom(self, param: caffe_pb2.LayerParameter) -> list[caffe_pb2.LayerParameter]:
        """Copies of `param` with one bottom and one top each, as OpenCV wants them."""
        copies = []
        for bottom, top in zip(param.bottom, param.top, strict=True):
            copy = caffe_pb2.LayerParameter()
            copy.CopyFrom(param)
            copy.name, copy.bottom[:], copy.top[:] = top, [bottom], [top]
            copies.append(copy)
        return copies


@register("ConvolutionDepthwise")
class ConvolutionDepthwise(Convolution):
    """Depthwise convolution of the original experiment: Convolution with one group per channel.

    Weight (C, 1, kh, kw); `num_output` and `group` are ignored, as there. Not in BVLC Caffe.
    """

    notes = "not in BVLC Caffe; else as Convolution"

    def outputs_and_group(self) -> tuple[int, int]:
        channels = self.bottoms[0][1]
        return channels, channels
