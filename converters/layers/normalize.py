"""Normalize: vectors of length 1, times a learned scale."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .. import caffe_pb2
from ..blobs import Array, to_array, to_blob
from .layer import BlobSpec, Layer, register

if TYPE_CHECKING:
    import torch

    from ..onnx_graph import OnnxGraph


ONE = caffe_pb2.FillerParameter(type="constant", value=1)


@register("Normalize")
class Normalize(Layer):
    """x / sqrt(sum(x^2) + eps) over a picture (`across_spatial`) or over a pixel's channels, x scale.

    Blob: scale (C), or a single number (`channel_shared`).
    Not in BVLC Caffe: from weiliu89/caffe (ssd), src/caffe/layers/normalize_layer.cpp.
    """

    notes = "not in BVLC Caffe; OpenCV 4: `across_spatial` with a scale per channel by way of ONNX"

    def check(self) -> None:
        self.expect_bottoms(1)
        if not 2 <= len(self.bottoms[0]) <= 4:
            self.fail(f"its bottom {list(self.bottoms[0])} must have 2 to 4 axes")
        across = self.param.norm_param.across_spatial
        self.axes = list(range(1, len(self.bottoms[0]))) if across else [1]

    def blobs(self) -> list[BlobSpec]:
        options = self.param.norm_param
        filler = options.scale_filler if options.HasField("scale_filler") else ONE
        return [BlobSpec(() if options.channel_shared else (self.bottoms[0][1],), filler)]

    def forward(
        self, bottoms: list[torch.Tensor], blobs: list[torch.Tensor], train: bool
    ) -> list[torch.Tensor]:
        x, scale = bottoms[0], blobs[0]
        norm = ((x * x).sum(self.axes, keepdim=True) + self.param.norm_param.eps).sqrt()
        return [x / norm * scale.reshape(-1, *(1 for _ in self.bottoms[0][2:]))]

    def onnx(self, graph: OnnxGraph, bottoms: list[str], blobs: list[Array], tops: list[str]) -> None:
        name, trailing = self.param.name, (1 for _ in self.bottoms[0][2:])
        square = graph.apply("Mul", [*bottoms, *bottoms], f"{name}/square")
        if self.param.norm_param.across_spatial:
            total = graph.sum_behind(square, self.bottoms[0], 1, f"{name}/total")
        else:
            axes = graph.constant(f"{name}/axes", np.array([1]))
            total = graph.apply("ReduceSum", [square, axes], f"{name}/total", {"keepdims": 1})
        eps = graph.number(f"{name}/eps", self.param.norm_param.eps)
        norm = graph.apply("Sqrt", [graph.apply("Add", [total, eps], f"{name}/more")], f"{name}/norm")
        unit = graph.apply("Div", [*bottoms, norm], f"{name}/unit")
        scale = graph.constant(f"{name}.0", blobs[0].reshape(-1, *trailing))
        graph.node("Mul", [unit, scale], tops)

    def opencv(self, param: caffe_pb2.LayerParameter) -> list[caffe_pb2.LayerParameter] | None:
        options = param.norm_param
        if options.across_spatial and not options.channel_shared:
            return None
        # OpenCV has defaults of its own, and reads no blob without axes.
        options.across_spatial, options.eps = options.across_spatial, options.eps
        options.channel_shared = options.channel_shared
        scale = to_array(param.blobs[0], param.name).reshape(-1)
        param.blobs[0].CopyFrom(to_blob(scale))
        return [param]
