"""Deconvolution: the transposed convolution."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from .. import caffe_pb2
from ..blobs import Array, Shape, to_array, to_blob
from .convolution import Convolution
from .layer import BlobSpec, keep_axes, register

if TYPE_CHECKING:
    import torch

    from ..onnx_graph import OnnxGraph


@register("Deconvolution")
class Deconvolution(Convolution):
    """Transposed convolution with groups, dilation and rectangular kernels; it makes pictures larger.

    Weight (in, out/group, kh, kw), then the bias (out); the filler `bilinear` makes it interpolate.
    Source: Caffe, src/caffe/layers/deconv_layer.cpp.
    """

    notes = "N x C x H x W with `axis` 1 only. OpenCV 4: padded 1x1 kernels by way of ONNX"

    def blobs(self) -> list[BlobSpec]:
        _, *bias = super().blobs()
        options = self.param.convolution_param
        shape = (self.bottoms[0][1], self.outputs // self.group, *self.geometry.kernel)
        return [BlobSpec(shape, options.weight_filler), *bias]

    def top_shape(self, bottom: Shape) -> Shape:
        g = self.geometry
        height, width = ((bottom[2 + i] - 1) * g.stride[i] + g.extent[i] - 2 * g.pad[i] for i in (0, 1))
        if height < 1 or width < 1:
            self.fail(f"its pad {g.pad} takes all of its top for a bottom {list(bottom)}")
        return (bottom[0], self.outputs, height, width)

    def multiply_adds(self) -> int:
        weight = self.blobs()[0].shape
        return sum(math.prod(bottom) for bottom in self.bottoms) * math.prod(weight[1:])

    def forward(
        self, bottoms: list[torch.Tensor], blobs: list[torch.Tensor], train: bool
    ) -> list[torch.Tensor]:
        from torch.nn.functional import conv_transpose2d

        g = self.geometry
        weight, bias = blobs[0], blobs[1] if len(blobs) > 1 else None
        return [
            conv_transpose2d(bottom, weight, bias, g.stride, g.pad, 0, self.group, g.dilation)
            for bottom in bottoms
        ]

    def onnx(self, graph: OnnxGraph, bottoms: list[str], blobs: list[Array], tops: list[str]) -> None:
        g, name = self.geometry, self.param.name
        attributes = {
            "kernel_shape": g.extent,
            "pads": (0, 0, 0, 0) if self.pads_apart() else (*g.pad, *g.pad),
            "strides": g.stride,
            "group": self.group,
        }
        parameters = graph.blobs(name, blobs)
        if g.dilation != (1, 1):
            parameters[0] = graph.constant(f"{name}/dilated", self.dilated(blobs[0]))
        for bottom, top, shape in zip(bottoms, tops, self.bottoms, strict=True):
            if not self.pads_apart():
                graph.node("ConvTranspose", [bottom, *parameters], [top], attributes)
                continue
            whole = graph.apply("ConvTranspose", [bottom, *parameters], f"{name}/whole", attributes)
            ends = [pad + size for pad, size in zip(g.pad, self.top_shape(shape)[2:], strict=True)]
            bounds = [
                graph.constant(f"{name}/{field}", np.array(values))
                for field, values in (("starts", g.pad), ("ends", ends), ("axes", (2, 3)))
            ]
            graph.node("Slice", [whole, *bounds], [top])

    def pads_apart(self) -> bool:
        """Whether the padding is cut off by a node of its own.

        OpenCV 4.14 writes beyond its memory for a padded 1x1 kernel.
        """
        return self.geometry.kernel == (1, 1) and any(self.geometry.pad)

    def dilated(self, weight: Array) -> Array:
        """The weight with zeros between its values: OpenCV 4 has no dilation here."""
        wide = np.zeros((*weight.shape[:2], *self.geometry.extent), weight.dtype)
        wide[:, :, :: self.geometry.dilation[0], :: self.geometry.dilation[1]] = weight
        return wide

    def opencv(self, param: caffe_pb2.LayerParameter) -> list[caffe_pb2.LayerParameter] | None:
        options, g = param.convolution_param, self.geometry
        if self.pads_apart():
            return None
        if g.dilation != (1, 1):
            param.blobs[0].CopyFrom(to_blob(self.dilated(to_array(param.blobs[0], param.name))))
            for field in ("dilation", "kernel_size", "kernel_h", "kernel_w"):
                options.ClearField(field)
            options.kernel_h, options.kernel_w = g.extent
        layers = self.one_for_each_bottom(param)
        if self.group == 1:
            return layers
        # It merges a BatchNorm or Scale behind groups into the wrong weights.
        behind = [
            keep_axes(f"{layer.name}/unmerged", layer.name, len(self.bottoms[0])) for layer in layers
        ]
        for layer, last in zip(layers, behind, strict=True):
            layer.name, layer.top[:] = last.bottom[0], last.bottom
        return [*layers, *behind]
