"""Eltwise: product, weighted sum or maximum of equally shaped bottoms."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING

import numpy as np

from .. import caffe_pb2
from ..blobs import Array
from .layer import Layer, register

if TYPE_CHECKING:
    import torch

    from ..onnx_graph import OnnxGraph

PROD, SUM, MAX = (
    caffe_pb2.EltwiseParameter.PROD,
    caffe_pb2.EltwiseParameter.SUM,
    caffe_pb2.EltwiseParameter.MAX,
)


@register("Eltwise")
class Eltwise(Layer):
    """PROD, SUM (with coefficients) or MAX of two or more bottoms of one shape.

    Source: Caffe, src/caffe/layers/eltwise_layer.cpp.
    """

    def check(self) -> None:
        options = self.param.eltwise_param
        if len(self.bottoms) < 2:
            self.fail(f"has {len(self.bottoms)} bottoms, Caffe takes 2 or more")
        if any(bottom != self.bottoms[0] for bottom in self.bottoms):
            self.fail(f"its bottoms differ in shape: {[list(bottom) for bottom in self.bottoms]}")
        self.coefficients = list(options.coeff) or [1.0] * len(self.bottoms)
        if len(self.coefficients) != len(self.bottoms):
            self.fail(f"{len(self.coefficients)} coeff for {len(self.bottoms)} bottoms")
        if options.coeff and options.operation == PROD:
            self.fail("coeff works with SUM only")

    def forward(
        self, bottoms: list[torch.Tensor], blobs: list[torch.Tensor], train: bool
    ) -> list[torch.Tensor]:
        import torch

        operation = self.param.eltwise_param.operation
        if operation == PROD:
            return [reduce(torch.mul, bottoms)]
        if operation == MAX:
            return [reduce(torch.maximum, bottoms)]
        pairs = zip(self.coefficients, bottoms, strict=True)
        return [reduce(torch.add, (x if c == 1 else c * x for c, x in pairs))]

    def onnx(self, graph: OnnxGraph, bottoms: list[str], blobs: list[Array], tops: list[str]) -> None:
        operation, name = self.param.eltwise_param.operation, self.param.name
        if operation == SUM:
            for index, coefficient in enumerate(self.coefficients):
                if coefficient != 1:
                    constant = graph.constant(
                        f"{name}/coeff_{index}", np.array([coefficient], np.float32)
                    )
                    product = graph.fresh(f"{name}/product_{index}")
                    graph.node("Mul", [bottoms[index], constant], [product])
                    bottoms = [*bottoms[:index], product, *bottoms[index + 1 :]]
        operator = {PROD: "Mul", SUM: "Add", MAX: "Max"}[operation]
        # Chained in pairs: Mul and Add take two inputs in ONNX, and some runtimes take no more in Max.
        partial = bottoms[0]
        for index, bottom in enumerate(bottoms[1:], start=1):
            last = index == len(bottoms) - 1
            top = tops[0] if last else graph.fresh(f"{name}/partial_{index}")
            graph.node(operator, [partial, bottom], [top])
            partial = top
