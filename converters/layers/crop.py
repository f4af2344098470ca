"""Crop."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..blobs import Array, Shape
from .layer import Layer, register

if TYPE_CHECKING:
    import torch

    from ..onnx_graph import OnnxGraph


@register("Crop")
class Crop(Layer):
    """The first bottom cut to the second one's size along all axes from `axis` on.

    `offset` says where: none, one for all, or one per axis.
    Source: Caffe, src/caffe/layers/crop_layer.cpp.
    """

    notes = (
        "OpenCV 4 does not run the ONNX of a net that has an input of which it needs the size only; "
        "from Caffe files it does"
    )

    def check(self) -> None:
        self.expect_bottoms(2)
        options, (bottom, size) = self.param.crop_param, self.bottoms
        self.start = self.axis(options.axis)
        count, given = len(bottom) - self.start, list(options.offset)
        if len(size) != len(bottom):
            self.fail(f"{list(bottom)} and {list(size)} differ in their number of axes")
        if len(given) > 1 and len(given) != count:
            self.fail(f"{len(given)} offset for {count} axes")
        self.offsets = given if len(given) == count else (given or [0]) * count
        ends = [start + part for start, part in zip(self.offsets, size[self.start :], strict=True)]
        if any(end > whole for end, whole in zip(ends, bottom[self.start :], strict=True)):
            self.fail(f"{list(size)} at offset {self.offsets} exceeds {list(bottom)}")
        self.ends = ends

    def tops(self) -> list[Shape]:
        return [(*self.bottoms[0][: self.start], *self.bottoms[1][self.start :])]

    def forward(
        self, bottoms: list[torch.Tensor], blobs: list[torch.Tensor], train: bool
    ) -> list[torch.Tensor]:
        x = bottoms[0]
        for axis, (start, end) in enumerate(zip(self.offsets, self.ends, strict=True), self.start):
            x = x.narrow(axis, start, end - start)
        return [x]

    def onnx(self, graph: OnnxGraph, bottoms: list[str], blobs: list[Array], tops: list[str]) -> None:
        name, axes = self.param.name, range(self.start, len(self.bottoms[0]))
        bounds = [
            graph.constant(f"{name}/{field}", np.array(values))
            for field, values in (("starts", self.offsets), ("ends", self.ends), ("axes", list(axes)))
        ]
        graph.node("Slice", [bottoms[0], *bounds], tops)
