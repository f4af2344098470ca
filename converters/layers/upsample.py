"""Upsample: every pixel several times."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .. import caffe_pb2
from ..blobs import Array, Shape
from .layer import Layer, register

if TYPE_CHECKING:
    import torch

    from ..onnx_graph import OnnxGraph


@register("Upsample")
class Upsample(Layer):
    """Every pixel `scale` x `scale` times, without interpolation.

    Not in BVLC Caffe: from ChenYingpeng/darknet2caffe (YOLOv3), upsample_layer.cpp; not SegNet's layer
    of this name, which takes a mask.
    """

    notes = "not in BVLC Caffe; not SegNet's, which takes a mask. OpenCV 4: by way of ONNX"

    def check(self) -> None:
        if len(self.bottoms) == 2:
            self.fail("has 2 bottoms: SegNet's Upsample with a mask is not supported")
        self.expect_bottoms(1)
        self.scale = self.param.upsample_param.scale
        if self.scale < 1:
            self.fail(f"scale {self.scale} must be at least 1")
        if len(self.bottoms[0]) != 4:
            self.fail(f"its bottom {list(self.bottoms[0])} is not N x C x H x W")

    def tops(self) -> list[Shape]:
        count, channels, height, width = self.bottoms[0]
        return [(count, channels, height * self.scale, width * self.scale)]

    def forward(
        self, bottoms: list[torch.Tensor], blobs: list[torch.Tensor], train: bool
    ) -> list[torch.Tensor]:
        from torch.nn.functional import interpolate

        # keeps the order in memory, which repeating along an axis does not
        return [interpolate(bottoms[0], scale_factor=float(self.scale), mode="nearest")]

    def onnx(self, graph: OnnxGraph, bottoms: list[str], blobs: list[Array], tops: list[str]) -> None:
        scales = np.array([1, 1, self.scale, self.scale], np.float32)
        attributes = {
            "mode": "nearest",
            "nearest_mode": "floor",
            "coordinate_transformation_mode": "asymmetric",
        }
        inputs = [bottoms[0], "", graph.constant(f"{self.param.name}/scales", scales)]
        graph.node("Resize", inputs, tops, attributes)

    def opencv(self, param: caffe_pb2.LayerParameter) -> list[caffe_pb2.LayerParameter] | None:
        return None
