"""Interp: bilinear resizing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .. import caffe_pb2
from ..blobs import Array, Shape
from .layer import Layer, register

if TYPE_CHECKING:
    import torch

    from ..onnx_graph import OnnxGraph


@register("Interp")
class Interp(Layer):
    """Bilinear resizing, corners on corners, to `height` x `width` or by whole factors.

    `shrink_factor` s and `zoom_factor` z make n pixels (n - 1) / s + 1 and n + (n - 1) * (z - 1);
    `pad_beg` and `pad_end`, 0 or negative, cut rows and columns off before.
    Not in BVLC Caffe: from DeepLab (deeplab-public-ver2), interp_layer.cpp; PSPNet uses it.
    """

    notes = "not in BVLC Caffe. OpenCV 4: by way of ONNX"

    def check(self) -> None:
        self.expect_bottoms(1)
        options = self.param.interp_param
        if len(self.bottoms[0]) != 4:
            self.fail(f"its bottom {list(self.bottoms[0])} is not N x C x H x W")
        if options.pad_beg > 0 or options.pad_end > 0:
            self.fail("pad_beg and pad_end must be 0 or negative")
        self.cut = [size + options.pad_beg + options.pad_end for size in self.bottoms[0][2:]]
        if min(self.cut) < 1:
            self.fail(f"pad_beg and pad_end leave nothing of {list(self.bottoms[0])}")
        self.size = self._size()
        if min(self.size) < 1:
            self.fail(f"its top would be {self.size} pixels large")

    def _size(self) -> list[int]:
        """Height and width of the top, by the first of Caffe's rules that fits."""
        options = self.param.interp_param
        shrinks, zooms = options.HasField("shrink_factor"), options.HasField("zoom_factor")
        if options.shrink_factor < 1 or options.zoom_factor < 1:
            self.fail("shrink_factor and zoom_factor must be at least 1")
        if shrinks == zooms and options.HasField("height") and options.HasField("width"):
            return [options.height, options.width]
        if not shrinks and not zooms:
            self.fail("give height and width, zoom_factor or shrink_factor")
        sizes = [(size - 1) // options.shrink_factor + 1 for size in self.cut]
        return [size + (size - 1) * (options.zoom_factor - 1) for size in sizes]

    def tops(self) -> list[Shape]:
        return [(*self.bottoms[0][:2], *self.size)]

    def forward(
        self, bottoms: list[torch.Tensor], blobs: list[torch.Tensor], train: bool
    ) -> list[torch.Tensor]:
        from torch.nn.functional import interpolate

        start = -self.param.interp_param.pad_beg
        x = bottoms[0][:, :, start : start + self.cut[0], start : start + self.cut[1]]
        return [interpolate(x, self.size, mode="bilinear", align_corners=True)]

    def onnx(self, graph: OnnxGraph, bottoms: list[str], blobs: list[Array], tops: list[str]) -> None:
        name, x, start = self.param.name, bottoms[0], -self.param.interp_param.pad_beg
        if tuple(self.cut) != self.bottoms[0][2:]:
            starts, ends = [start, start], [start + size for size in self.cut]
            bounds = [
                graph.constant(f"{name}/{field}", np.array(values))
                for field, values in (("starts", starts), ("ends", ends), ("axes", [2, 3]))
            ]
            x = graph.apply("Slice", [x, *bounds], f"{name}/cut")
        # By scales, as sizes would name the batch; a half more, as the product is rounded down.
        factors = [(size + 0.5) / cut for size, cut in zip(self.size, self.cut, strict=True)]
        scales = graph.constant(f"{name}/scales", np.array([1, 1, *factors], np.float32))
        attributes = {"mode": "linear", "coordinate_transformation_mode": "align_corners"}
        graph.node("Resize", [x, "", scales], tops, attributes)

    def opencv(self, param: caffe_pb2.LayerParameter) -> list[caffe_pb2.LayerParameter] | None:
        return None
