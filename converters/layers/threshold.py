"""Threshold."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import caffe_pb2
from ..blobs import Array
from .layer import Layer, register

if TYPE_CHECKING:
    import torch

    from ..onnx_graph import OnnxGraph


@register("Threshold")
class Threshold(Layer):
    """1 where x is above `threshold`, else 0. Source: Caffe, src/caffe/layers/threshold_layer.cpp."""

    notes = "OpenCV 4's importer has no such layer: by way of ONNX"

    def check(self) -> None:
        self.expect_bottoms(1)

    def forward(
        self, bottoms: list[torch.Tensor], blobs: list[torch.Tensor], train: bool
    ) -> list[torch.Tensor]:
        return [(bottoms[0] > self.param.threshold_param.threshold).to(bottoms[0])]

    def onnx(self, graph: OnnxGraph, bottoms: list[str], blobs: list[Array], tops: list[str]) -> None:
        name = self.param.name
        threshold = graph.number(f"{name}/threshold", self.param.threshold_param.threshold)
        above = graph.apply("Greater", [bottoms[0], threshold], f"{name}/above")
        graph.to_float(above, tops[0])

    def opencv(self, param: caffe_pb2.LayerParameter) -> list[caffe_pb2.LayerParameter] | None:
        return None
