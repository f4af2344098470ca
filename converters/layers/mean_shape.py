"""MeanShape: a shape that the net itself holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .. import caffe_pb2
from ..blobs import Array
from .layer import Layer, register
from .similarity import expect_shape, given_shape

if TYPE_CHECKING:
    import torch

    from ..onnx_graph import OnnxGraph


@register("MeanShape")
class MeanShape(Layer):
    """The bottom plus `shape`: points of a first stage, whose net answers how far they are from it.

    Bottom and top are shapes, N x (x1 y1 x2 y2 ...), pixels. protoface's own, for DAN (docs/dan.md).
    """

    notes = "protoface's own. OpenCV 4: by way of ONNX"

    def check(self) -> None:
        self.expect_bottoms(1)
        points = expect_shape(self, 0)
        self.shape = given_shape(self, self.param.mean_shape_param.shape, points).ravel()

    def forward(
        self, bottoms: list[torch.Tensor], blobs: list[torch.Tensor], train: bool
    ) -> list[torch.Tensor]:
        return [bottoms[0] + bottoms[0].new_tensor(self.shape)]

    def onnx(self, graph: OnnxGraph, bottoms: list[str], blobs: list[Array], tops: list[str]) -> None:
        shape = graph.constant(f"{self.param.name}/shape", self.shape[None].astype(np.float32))
        graph.node("Add", [bottoms[0], shape], tops)

    def opencv(self, param: caffe_pb2.LayerParameter) -> list[caffe_pb2.LayerParameter] | None:
        return None
