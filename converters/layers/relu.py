"""ReLU, and its leaky form."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..blobs import Array
from .layer import Layer, register

if TYPE_CHECKING:
    import torch

    from ..onnx_graph import OnnxGraph


@register("ReLU")
class ReLU(Layer):
    """max(x, 0) + negative_slope * min(x, 0). Source: Caffe, src/caffe/layers/relu_layer.cpp."""

    def check(self) -> None:
        self.expect_bottoms(1)

    def forward(
        self, bottoms: list[torch.Tensor], blobs: list[torch.Tensor], train: bool
    ) -> list[torch.Tensor]:
        from torch.nn.functional import leaky_relu, relu

        slope = self.param.relu_param.negative_slope
        return [leaky_relu(bottoms[0], slope) if slope else relu(bottoms[0])]

    def onnx(self, graph: OnnxGraph, bottoms: list[str], blobs: list[Array], tops: list[str]) -> None:
        slope = self.param.relu_param.negative_slope
        if slope:
            graph.node("LeakyRelu", bottoms, tops, {"alpha": slope})
        else:
            graph.node("Relu", bottoms, tops)
