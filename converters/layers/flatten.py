"""Flatten."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ..blobs import Array, Shape
from .layer import Layer, register

if TYPE_CHECKING:
    import torch

    from ..onnx_graph import OnnxGraph


@register("Flatten")
class Flatten(Layer):
    """Axes `axis` to `end_axis` merged into one. Source: Caffe, src/caffe/layers/flatten_layer.cpp."""

    def check(self) -> None:
        self.expect_bottoms(1)
        options = self.param.flatten_param
        self.start, self.end = self.axis(options.axis), self.axis(options.end_axis)
        if self.start > self.end:
            self.fail(f"axis {options.axis} lies behind end_axis {options.end_axis}")

    def tops(self) -> list[Shape]:
        shape = self.bottoms[0]
        merged = math.prod(shape[self.start : self.end + 1])
        return [(*shape[: self.start], merged, *shape[self.end + 1 :])]

    def forward(
        self, bottoms: list[torch.Tensor], blobs: list[torch.Tensor], train: bool
    ) -> list[torch.Tensor]:
        return [bottoms[0].flatten(self.start, self.end)]

    def onnx(self, graph: OnnxGraph, bottoms: list[str], blobs: list[Array], tops: list[str]) -> None:
        # -1 leaves the batch size free; OpenCV misreads 0 (keep this axis) behind another Reshape.
        graph.reshape(bottoms[0], [-1, *self.tops()[0][1:]], tops[0])
