"""Axpy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import caffe_pb2
from ..blobs import Array, Shape
from .layer import Layer, register

if TYPE_CHECKING:
    import torch

    from ..onnx_graph import OnnxGraph


@register("Axpy")
class Axpy(Layer):
    """a * x + y with a factor per channel: bottoms a (N x C or N x C x 1 x 1), x and y (N x C x H x W).

    Not in BVLC Caffe: from hujie-frank/SENet, axpy_layer.cpp.
    """

    notes = "not in BVLC Caffe"

    def check(self) -> None:
        self.expect_bottoms(3)
        a, x, y = self.bottoms
        if len(x) != 4 or x != y or a not in (x[:2], (*x[:2], 1, 1)):
            self.fail(f"its bottoms {[list(bottom) for bottom in self.bottoms]} do not fit")

    def tops(self) -> list[Shape]:
        return [self.bottoms[1]]

    def forward(
        self, bottoms: list[torch.Tensor], blobs: list[torch.Tensor], train: bool
    ) -> list[torch.Tensor]:
        a, x, y = bottoms
        return [a.reshape(*a.shape[:2], 1, 1) * x + y]

    def onnx(self, graph: OnnxGraph, bottoms: list[str], blobs: list[Array], tops: list[str]) -> None:
        name, (a, x, y) = self.param.name, bottoms
        if len(self.bottoms[0]) == 2:
            a = graph.reshape(a, [-1, self.bottoms[0][1], 1, 1], graph.fresh(f"{name}/factor"))
        graph.node("Add", [graph.apply("Mul", [a, x], f"{name}/product"), y], tops)

    def opencv(self, param: caffe_pb2.LayerParameter) -> list[caffe_pb2.LayerParameter] | None:
        # What OpenCV makes of it, in two layers; its own way it cannot be asked for by name.
        a, x, y = param.bottom
        product = f"{param.top[0]}/product"
        scale = caffe_pb2.LayerParameter(name=product, type="Scale", bottom=[x, a], top=[product])
        scale.scale_param.axis = 0
        total = caffe_pb2.LayerParameter(name=param.name, type="Eltwise", bottom=[product, y])
        total.top[:] = param.top
        return [scale, total]
