"""Bias: the sum with a learned (or second) blob."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .. import caffe_pb2
from ..blobs import Array, to_array, to_blob
from .layer import BlobSpec, register
from .scale import AlongAxes

if TYPE_CHECKING:
    import torch

    from ..onnx_graph import OnnxGraph


@register("Bias")
class Bias(AlongAxes):
    """Sum with a blob along some axes; it may be a second bottom.

    Blob: shaped as `num_axes` axes of the bottom from `axis` on (absent with two bottoms).
    Source: Caffe, src/caffe/layers/bias_layer.cpp.
    """

    notes = "OpenCV 4's importer has no such layer: as a Scale, and with two bottoms by way of ONNX"

    def options(self) -> caffe_pb2.BiasParameter:
        return self.param.bias_param

    def blobs(self) -> list[BlobSpec]:
        own = len(self.bottoms) == 1
        return [BlobSpec(self.shape, self.param.bias_param.filler)] if own else []

    def forward(
        self, bottoms: list[torch.Tensor], blobs: list[torch.Tensor], train: bool
    ) -> list[torch.Tensor]:
        (bias,) = (*bottoms[1:], *blobs)
        return [bottoms[0] + bias.reshape(self.factor_shape(bias.shape))]

    def onnx(self, graph: OnnxGraph, bottoms: list[str], blobs: list[Array], tops: list[str]) -> None:
        if blobs:
            bias = graph.constant(f"{self.param.name}.0", blobs[0].reshape(self.broadcast))
        else:
            bias = self.second_bottom(graph, bottoms)
        graph.node("Add", [bottoms[0], bias], tops)

    def opencv(self, param: caffe_pb2.LayerParameter) -> list[caffe_pb2.LayerParameter] | None:
        # OpenCV has no such layer; a Scale by 1 does it.
        options = param.scale_param
        options.bias_term, options.axis = True, self.start
        options.num_axes = len(self.shape)
        if len(self.bottoms) == 2 or (not self.shape and not self.spread(param)):
            return None
        if not self.shape:
            options.axis = options.num_axes = 1
        bias = to_array(param.blobs[0], param.name)
        param.type = "Scale"
        param.ClearField("bias_param")
        param.ClearField("blobs")
        param.blobs.extend([to_blob(np.ones_like(bias)), to_blob(bias)])
        return self.unmerged(param)
