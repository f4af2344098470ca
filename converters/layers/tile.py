"""Tile."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .. import caffe_pb2
from ..blobs import Array, Shape
from .layer import Layer, register

if TYPE_CHECKING:
    import torch

    from ..onnx_graph import OnnxGraph


@register("Tile")
class Tile(Layer):
    """`tiles` copies of the bottom side by side along `axis`.

    Source: Caffe, src/caffe/layers/tile_layer.cpp.
    """

    notes = "OpenCV 4's importer has no such layer: by way of ONNX"

    def check(self) -> None:
        self.expect_bottoms(1)
        self.along, self.tiles = self.axis(self.param.tile_param.axis), self.param.tile_param.tiles
        if self.tiles < 1:
            self.fail("tiles must be at least 1")

    def tops(self) -> list[Shape]:
        shape = self.bottoms[0]
        return [(*shape[: self.along], shape[self.along] * self.tiles, *shape[self.along + 1 :])]

    def forward(
        self, bottoms: list[torch.Tensor], blobs: list[torch.Tensor], train: bool
    ) -> list[torch.Tensor]:
        repeats = [self.tiles if axis == self.along else 1 for axis in range(bottoms[0].ndim)]
        return [bottoms[0].repeat(repeats)]

    def onnx(self, graph: OnnxGraph, bottoms: list[str], blobs: list[Array], tops: list[str]) -> None:
        repeats = np.ones(len(self.bottoms[0]), np.int64)
        repeats[self.along] = self.tiles
        graph.node("Tile", [*bottoms, graph.constant(f"{self.param.name}/repeats", repeats)], tops)

    def opencv(self, param: caffe_pb2.LayerParameter) -> list[caffe_pb2.LayerParameter] | None:
        return None
