"""BNLL: a smooth ReLU."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..blobs import Array
from .layer import Layer, register

if TYPE_CHECKING:
    import torch

    from ..onnx_graph import OnnxGraph


@register("BNLL")
class BNLL(Layer):
    """log(1 + exp(x)), without overflow. Source: Caffe, src/caffe/layers/bnll_layer.cpp."""

    def check(self) -> None:
        self.expect_bottoms(1)

    def forward(
        self, bottoms: list[torch.Tensor], blobs: list[torch.Tensor], train: bool
    ) -> list[torch.Tensor]:
        x = bottoms[0]
        return [x.relu() + x.abs().neg().exp().log1p()]

    def onnx(self, graph: OnnxGraph, bottoms: list[str], blobs: list[Array], tops: list[str]) -> None:
        # max(x, 0) + log(1 + exp(-|x|)): OpenCV's Softplus overflows from 89 on.
        name = self.param.name
        negative = graph.apply("Neg", [graph.apply("Abs", bottoms, f"{name}/abs")], f"{name}/negative")
        power = graph.apply("Exp", [negative], f"{name}/exp")
        more = graph.apply("Add", [power, graph.number(f"{name}/one", 1)], f"{name}/plus_one")
        rest = graph.apply("Log", [more], f"{name}/log")
        graph.node("Add", [graph.apply("Relu", bottoms, f"{name}/relu"), rest], tops)
