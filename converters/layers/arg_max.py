"""ArgMax: places of the largest values."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from .. import caffe_pb2
from ..blobs import Array, Shape
from .layer import Layer, register

if TYPE_CHECKING:
    import torch

    from ..onnx_graph import OnnxGraph


@register("ArgMax")
class ArgMax(Layer):
    """Places of the `top_k` largest values, along `axis` or in each picture; of equal ones the last.

    Along an axis the top holds the places, or with `out_max_val` the values. Without `axis` it is
    N x 1 x top_k, and with `out_max_val` N x 2 x top_k: places, then values; with ones behind it up to
    the bottom's number of axes. Source: Caffe, src/caffe/layers/argmax_layer.cpp.
    """

    notes = "OpenCV 4's importer is wrong: by way of ONNX"

    def check(self) -> None:
        self.expect_bottoms(1)
        options, bottom = self.param.argmax_param, self.bottoms[0]
        if not bottom:
            self.fail("its bottom is one number, without a batch axis")
        self.along = self.axis(options.axis) if options.HasField("axis") else None
        self.size = math.prod(bottom[1:]) if self.along is None else bottom[self.along]
        self.count = options.top_k
        if not 1 <= self.count <= self.size:
            self.fail(f"top_k {self.count} must be 1 to {self.size}")

    def tops(self) -> list[Shape]:
        bottom, both = self.bottoms[0], self.param.argmax_param.out_max_val
        if self.along is not None:
            return [(*bottom[: self.along], self.count, *bottom[self.along + 1 :])]
        return [(bottom[0], 2 if both else 1, self.count, *(1 for _ in bottom[3:]))]

    def forward(
        self, bottoms: list[torch.Tensor], blobs: list[torch.Tensor], train: bool
    ) -> list[torch.Tensor]:
        import torch

        x = bottoms[0].flatten(1) if self.along is None else bottoms[0]
        axis, both = 1 if self.along is None else self.along, self.param.argmax_param.out_max_val
        # a stable sort of the reversed values puts the last of equal ones first
        values, places = x.flip(axis).sort(dim=axis, descending=True, stable=True)
        values = values.narrow(axis, 0, self.count)
        found = (x.shape[axis] - 1 - places.narrow(axis, 0, self.count)).to(values)
        if self.along is not None:
            return [values if both else found]
        joined = torch.stack([found, values] if both else [found], 1)
        return [joined.reshape(*joined.shape, *(1 for _ in self.bottoms[0][3:]))]

    def onnx(self, graph: OnnxGraph, bottoms: list[str], blobs: list[Array], tops: list[str]) -> None:
        name, x, both = self.param.name, bottoms[0], self.param.argmax_param.out_max_val
        axis = 1 if self.along is None else self.along
        if self.along is None and len(self.bottoms[0]) != 2:
            x = graph.reshape(x, [-1, self.size], graph.fresh(f"{name}/flat"))
        # Reversed, as TopK prefers the first of equal values; OpenCV 4 cannot Slice backwards.
        backwards = graph.constant(f"{name}/backwards", np.arange(self.size)[::-1])
        x = graph.apply("Gather", [x, backwards], f"{name}/reversed", {"axis": axis})
        values, places = graph.fresh(f"{name}/values"), graph.fresh(f"{name}/places")
        count = graph.constant(f"{name}/top_k", np.array([self.count]))
        if self.along is not None and both:
            graph.node("TopK", [x, count], [tops[0], places], {"axis": axis})
            return
        graph.node("TopK", [x, count], [values, places], {"axis": axis})
        last = graph.number(f"{name}/last", self.size - 1)
        floats = graph.to_float(places, graph.fresh(f"{name}/floats"))
        if self.along is not None:
            graph.node("Sub", [last, floats], tops)
            return
        found = graph.apply("Sub", [last, floats], f"{name}/found")
        if both:
            rows = [
                graph.reshape(row, [-1, 1, self.count], graph.fresh(f"{name}/row"))
                for row in (found, values)
            ]
            found = graph.apply("Concat", rows, f"{name}/both", {"axis": 1})
        graph.reshape(found, [-1, *self.tops()[0][1:]], tops[0])

    def opencv(self, param: caffe_pb2.LayerParameter) -> list[caffe_pb2.LayerParameter] | None:
        return None
