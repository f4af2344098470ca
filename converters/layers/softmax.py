"""Softmax."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..blobs import Array
from .layer import Layer, register

if TYPE_CHECKING:
    import torch

    from ..onnx_graph import OnnxGraph


@register("Softmax")
class Softmax(Layer):
    """exp(x) / sum(exp(x)) along `axis`. Source: Caffe, src/caffe/layers/softmax_layer.cpp."""

    def check(self) -> None:
        self.expect_bottoms(1)
        self.along = self.axis(self.param.softmax_param.axis)

    def forward(
        self, bottoms: list[torch.Tensor], blobs: list[torch.Tensor], train: bool
    ) -> list[torch.Tensor]:
        return [bottoms[0].softmax(self.along)]

    def onnx(self, graph: OnnxGraph, bottoms: list[str], blobs: list[Array], tops: list[str]) -> None:
        graph.node("Softmax", bottoms, tops, {"axis": self.along})
