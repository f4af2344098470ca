"""Reduction."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from .. import caffe_pb2
from ..blobs import Array, Shape, to_blob
from .layer import Layer, keep_axes, register

if TYPE_CHECKING:
    import torch

    from ..onnx_graph import OnnxGraph


ASUM, SUMSQ, MEAN = (
    caffe_pb2.ReductionParameter.ASUM,
    caffe_pb2.ReductionParameter.SUMSQ,
    caffe_pb2.ReductionParameter.MEAN,
)


@register("Reduction")
class Reduction(Layer):
    """SUM, ASUM (absolute values), SUMSQ (squares) or MEAN of all from `axis` on, times `coeff`.

    From axis 0 on the top is a single number. Source: Caffe, src/caffe/layers/reduction_layer.cpp.
    """

    notes = (
        "OpenCV 4's importer is wrong: as an InnerProduct, or (from axis 0 or 1 on, ASUM, SUMSQ) by "
        "way of ONNX. It has no arrays of one axis: what follows a Reduction that leaves one is wrong "
        "there or stops"
    )

    def check(self) -> None:
        self.expect_bottoms(1)
        options = self.param.reduction_param
        self.start = self.axis(options.axis)
        self.factor = options.coeff
        if options.operation == MEAN:
            self.factor /= math.prod(self.bottoms[0][self.start :])

    def tops(self) -> list[Shape]:
        return [self.bottoms[0][: self.start]]

    def forward(
        self, bottoms: list[torch.Tensor], blobs: list[torch.Tensor], train: bool
    ) -> list[torch.Tensor]:
        operation, x = self.param.reduction_param.operation, bottoms[0]
        x = x.abs() if operation == ASUM else x * x if operation == SUMSQ else x
        factor = self.param.reduction_param.coeff
        if operation == MEAN:  # of the batch that is there
            factor /= math.prod(x.shape[self.start :])
        return [x.flatten(self.start).sum(-1) * factor]

    def onnx(self, graph: OnnxGraph, bottoms: list[str], blobs: list[Array], tops: list[str]) -> None:
        name, operation, x = self.param.name, self.param.reduction_param.operation, bottoms[0]
        if operation == ASUM:
            x = graph.apply("Abs", [x], f"{name}/abs")
        elif operation == SUMSQ:
            x = graph.apply("Mul", [x, x], f"{name}/square")
        if self.factor != 1:  # before the sum, as OpenCV cannot multiply a single number
            x = graph.apply("Mul", [x, graph.number(f"{name}/factor", self.factor)], f"{name}/product")
        if self.start != len(self.bottoms[0]) - 1:  # one axis only: OpenCV 4 is wrong over three
            kept, rest = self.bottoms[0][: self.start], self.bottoms[0][self.start :]
            flat = [-1, *kept[1:], math.prod(rest)] if kept else [-1]
            x = graph.reshape(x, flat, graph.fresh(f"{name}/flat"))
        axis = graph.constant(f"{name}/axis", np.array([self.start]))
        graph.node("ReduceSum", [x, axis], tops, {"keepdims": 0})

    def opencv(self, param: caffe_pb2.LayerParameter) -> list[caffe_pb2.LayerParameter] | None:
        # Its own is wrong, and what a sum in ONNX becomes is nothing for its CUDA backend, which has
        # products: with ones.
        if param.reduction_param.operation in (ASUM, SUMSQ) or self.start < 2:
            return None
        total = caffe_pb2.LayerParameter(name=f"{param.top[0]}/sum", type="InnerProduct")
        total.bottom[:], total.top[:] = param.bottom, [total.name]
        options = total.inner_product_param
        options.num_output, options.axis, options.bias_term = 1, self.start, False
        ones = np.full((1, math.prod(self.bottoms[0][self.start :])), self.factor, np.float32)
        total.blobs.append(to_blob(ones))
        return [total, keep_axes(total.name, param.top[0], self.start)]
