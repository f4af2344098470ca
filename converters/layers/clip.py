"""Clip."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .. import caffe_pb2
from ..blobs import Array
from .layer import Layer, register

if TYPE_CHECKING:
    import torch

    from ..onnx_graph import OnnxGraph


@register("Clip")
class Clip(Layer):
    """x, but no less than `min` and no more than `max`.

    Source: Caffe, src/caffe/layers/clip_layer.cpp.
    """

    notes = "OpenCV 4's importer has no such layer: by way of ONNX"

    def check(self) -> None:
        self.expect_bottoms(1)
        options = self.param.clip_param
        if not options.IsInitialized():
            self.fail("clip_param must give min and max")
        if options.min > options.max:
            self.fail(f"min {options.min:g} is above max {options.max:g}")

    def forward(
        self, bottoms: list[torch.Tensor], blobs: list[torch.Tensor], train: bool
    ) -> list[torch.Tensor]:
        return [bottoms[0].clamp(self.param.clip_param.min, self.param.clip_param.max)]

    def onnx(self, graph: OnnxGraph, bottoms: list[str], blobs: list[Array], tops: list[str]) -> None:
        options = self.param.clip_param
        bounds = [
            graph.constant(f"{self.param.name}/{name}", np.array(value, np.float32))
            for name, value in (("min", options.min), ("max", options.max))
        ]
        graph.node("Clip", [*bottoms, *bounds], tops)

    def opencv(self, param: caffe_pb2.LayerParameter) -> list[caffe_pb2.LayerParameter] | None:
        return None
