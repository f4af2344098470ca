"""ReLU6."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..blobs import Array
from .layer import Layer, register

if TYPE_CHECKING:
    import torch

    from ..onnx_graph import OnnxGraph


@register("ReLU6")
class ReLU6(Layer):
    """min(max(x, 0), 6). Not in BVLC Caffe: from chuanqi305/MobileNetv2-SSDLite, relu6_layer.cpp."""

    notes = "not in BVLC Caffe; without `negative_slope`"

    def check(self) -> None:
        self.expect_bottoms(1)
        if self.param.relu_param.negative_slope:
            self.fail("negative_slope is not supported")

    def forward(
        self, bottoms: list[torch.Tensor], blobs: list[torch.Tensor], train: bool
    ) -> list[torch.Tensor]:
        return [bottoms[0].clamp(0, 6)]

    def onnx(self, graph: OnnxGraph, bottoms: list[str], blobs: list[Array], tops: list[str]) -> None:
        bounds = [
            graph.constant(f"{self.param.name}/{name}", np.array(value, np.float32))
            for name, value in (("min", 0), ("max", 6))
        ]
        graph.node("Clip", [*bottoms, *bounds], tops)
