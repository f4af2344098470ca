"""Permute."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import caffe_pb2
from ..blobs import Array, Shape
from .layer import Layer, register

if TYPE_CHECKING:
    import torch

    from ..onnx_graph import OnnxGraph


@register("Permute")
class Permute(Layer):
    """Axes in another `order`; those that it leaves out follow in theirs.

    Not in BVLC Caffe: from weiliu89/caffe (ssd), src/caffe/layers/permute_layer.cpp.
    """

    notes = "not in BVLC Caffe; the batch axis stays first"

    def check(self) -> None:
        self.expect_bottoms(1)
        order, rank = list(self.param.permute_param.order), len(self.bottoms[0])
        if len(set(order)) != len(order) or any(axis >= rank for axis in order):
            self.fail(f"order {order} must name axes of its bottom {list(self.bottoms[0])}, each once")
        self.order = [*order, *(axis for axis in range(rank) if axis not in order)]

    def tops(self) -> list[Shape]:
        return [tuple(self.bottoms[0][axis] for axis in self.order)]

    def forward(
        self, bottoms: list[torch.Tensor], blobs: list[torch.Tensor], train: bool
    ) -> list[torch.Tensor]:
        return [bottoms[0].permute(self.order)]

    def onnx(self, graph: OnnxGraph, bottoms: list[str], blobs: list[Array], tops: list[str]) -> None:
        graph.node("Transpose", bottoms, tops, {"perm": self.order})

    def opencv(self, param: caffe_pb2.LayerParameter) -> list[caffe_pb2.LayerParameter] | None:
        param.permute_param.order[:] = self.order
        return [param]
