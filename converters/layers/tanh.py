"""TanH."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..blobs import Array
from .layer import Layer, register

if TYPE_CHECKING:
    import torch

    from ..onnx_graph import OnnxGraph


@register("TanH")
class TanH(Layer):
    """Hyperbolic tangent. Source: Caffe, src/caffe/layers/tanh_layer.cpp."""

    def check(self) -> None:
        self.expect_bottoms(1)

    def forward(
        self, bottoms: list[torch.Tensor], blobs: list[torch.Tensor], train: bool
    ) -> list[torch.Tensor]:
        return [bottoms[0].tanh()]

    def onnx(self, graph: OnnxGraph, bottoms: list[str], blobs: list[Array], tops: list[str]) -> None:
        graph.node("Tanh", bottoms, tops)
