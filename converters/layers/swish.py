"""Swish."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import caffe_pb2
from ..blobs import Array
from .layer import Layer, register

if TYPE_CHECKING:
    import torch

    from ..onnx_graph import OnnxGraph


@register("Swish")
class Swish(Layer):
    """x * sigmoid(beta * x). Source: Caffe, src/caffe/layers/swish_layer.cpp."""

    notes = "OpenCV 4's importer takes `beta` for 1: others by way of ONNX"

    def check(self) -> None:
        self.expect_bottoms(1)

    def forward(
        self, bottoms: list[torch.Tensor], blobs: list[torch.Tensor], train: bool
    ) -> list[torch.Tensor]:
        return [bottoms[0] * (bottoms[0] * self.param.swish_param.beta).sigmoid()]

    def onnx(self, graph: OnnxGraph, bottoms: list[str], blobs: list[Array], tops: list[str]) -> None:
        name, beta, x = self.param.name, self.param.swish_param.beta, bottoms[0]
        if beta != 1:
            x = graph.apply("Mul", [x, graph.number(f"{name}/beta", beta)], f"{name}/product")
        graph.node("Mul", [bottoms[0], graph.apply("Sigmoid", [x], f"{name}/sigmoid")], tops)

    def opencv(self, param: caffe_pb2.LayerParameter) -> list[caffe_pb2.LayerParameter] | None:
        return [param] if self.param.swish_param.beta == 1 else None
