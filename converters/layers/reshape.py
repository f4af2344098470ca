"""Reshape."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from .. import caffe_pb2
from ..blobs import Array, Shape
from .layer import Layer, register

if TYPE_CHECKING:
    import torch

    from ..onnx_graph import OnnxGraph


@register("Reshape")
class Reshape(Layer):
    """Other sizes for `num_axes` axes from `axis` on: 0 keeps a size, one -1 takes the rest.

    Source: Caffe, src/caffe/layers/reshape_layer.cpp.
    """

    def check(self) -> None:
        self.expect_bottoms(1)
        options, rank = self.param.reshape_param, len(self.bottoms[0])
        # axis -1 lies behind the last one here: new axes can be put there
        self.start = options.axis if options.axis >= 0 else rank + options.axis + 1
        self.end = rank if options.num_axes == -1 else self.start + options.num_axes
        if options.num_axes < -1 or not 0 <= self.start <= self.end <= rank:
            self.fail(
                f"axis {options.axis} and num_axes {options.num_axes} do not fit "
                f"its bottom {list(self.bottoms[0])}"
            )
        self.sizes = list(options.shape.dim)
        if self.sizes.count(-1) > 1 or min(self.sizes, default=0) < -1:
            self.fail(f"its shape {self.sizes} may hold one -1, and else no negative size")
        if any(size == 0 and self.start + i >= rank for i, size in enumerate(self.sizes)):
            self.fail(f"its shape {self.sizes} keeps by 0 an axis that {list(self.bottoms[0])} lacks")
        self.target(self.bottoms[0])

    def target(self, bottom: Shape) -> Shape:
        """The top's shape for a bottom of any batch size."""
        kept = [bottom[self.start + i] if size == 0 else size for i, size in enumerate(self.sizes)]
        shape = [*bottom[: self.start], *kept, *bottom[self.end :]]
        if -1 in shape:
            # of a list: torch.compile cannot trace this product of a generator
            known = math.prod([size for size in shape if size != -1])
            shape[shape.index(-1)] = math.prod(bottom) // max(known, 1)
        if math.prod(shape) != math.prod(bottom):
            self.fail(f"{list(bottom)} does not fit into {shape}")
        return tuple(shape)

    def tops(self) -> list[Shape]:
        return [self.target(self.bottoms[0])]

    def forward(
        self, bottoms: list[torch.Tensor], blobs: list[torch.Tensor], train: bool
    ) -> list[torch.Tensor]:
        return [bottoms[0].reshape(self.target(tuple(bottoms[0].shape)))]

    def written(self) -> list[int]:
        """The top's shape for any batch size: -1 for the axis that grows with it, the others in full.

        Not 0 for what is kept: OpenCV misreads that behind another Reshape.
        """
        top = list(self.tops()[0])
        if self.start or self.sizes[:1] == [0]:
            top[0] = -1
        elif -1 in self.sizes:
            if self.end == 0:
                self.fail("puts -1 before the batch axis, which ONNX cannot express")
            top[self.sizes.index(-1)] = -1
        elif self.end == 0 and self.bottoms[0]:
            top[len(self.sizes)] = -1
        return top

    def onnx(self, graph: OnnxGraph, bottoms: list[str], blobs: list[Array], tops: list[str]) -> None:
        graph.reshape(bottoms[0], self.written(), tops[0])

    def opencv(self, param: caffe_pb2.LayerParameter) -> list[caffe_pb2.LayerParameter] | None:
        # OpenCV counts a negative axis otherwise.
        options = param.reshape_param
        options.Clear()
        options.shape.dim[:] = self.written()
        return [param]
