"""Slice."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from .. import caffe_pb2
from ..blobs import Array, Shape
from .layer import Layer, register

if TYPE_CHECKING:
    import torch

    from ..onnx_graph import OnnxGraph


@register("Slice")
class Slice(Layer):
    """A bottom cut along `axis` (old files: `slice_dim`), at `slice_point` or into equal parts.

    Source: Caffe, src/caffe/layers/slice_layer.cpp.
    """

    def check(self) -> None:
        self.expect_bottoms(1)
        options, count = self.param.slice_param, len(self.param.top)
        if options.HasField("axis") and options.HasField("slice_dim"):
            self.fail("gives both axis and slice_dim")
        self.along = self.axis(options.slice_dim if options.HasField("slice_dim") else options.axis)
        size, points = self.bottoms[0][self.along], list(options.slice_point)
        if not points and size % max(count, 1):
            self.fail(f"cannot cut {size} into {count} equal parts; give slice_point")
        if not points:
            points = [size // count * index for index in range(1, count)]
        if len(points) != count - 1:
            self.fail(f"has {len(points)} slice_point for {count} tops")
        edges = [0, *points, size]
        self.sizes = [stop - start for start, stop in pairwise(edges)]
        if min(self.sizes) < 1:
            self.fail(f"slice_point {points} must rise and lie inside 0..{size}")
        self.points = points

    def tops(self) -> list[Shape]:
        shape = self.bottoms[0]
        return [(*shape[: self.along], size, *shape[self.along + 1 :]) for size in self.sizes]

    def forward(
        self, bottoms: list[torch.Tensor], blobs: list[torch.Tensor], train: bool
    ) -> list[torch.Tensor]:
        import torch

        return list(torch.split(bottoms[0], self.sizes, self.along))

    def onnx(self, graph: OnnxGraph, bottoms: list[str], blobs: list[Array], tops: list[str]) -> None:
        if len(tops) == 1:
            graph.copy(bottoms[0], tops)
            return
        sizes = graph.constant(f"{self.param.name}/sizes", np.array(self.sizes))
        graph.node("Split", [bottoms[0], sizes], tops, {"axis": self.along})

    def opencv(self, param: caffe_pb2.LayerParameter) -> list[caffe_pb2.LayerParameter] | None:
        # A Split behind each part, as only the first top of a layer can be asked for by name.
        if len(param.top) == 1:
            param.type = "Split"
            return [param]
        options = param.slice_param
        options.Clear()
        options.axis, options.slice_point[:] = self.along, self.points
        names = list(param.top)
        param.name, param.top[:] = f"{names[0]}/all", [f"{name}/part" for name in names]
        copies = [
            caffe_pb2.LayerParameter(name=name, type="Split", bottom=[part], top=[name])
            for name, part in zip(names, param.top, strict=True)
        ]
        return [param, *copies]
