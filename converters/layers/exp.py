"""Exp: a power of any base."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ..blobs import Array
from .layer import Layer, register

if TYPE_CHECKING:
    import torch

    from ..onnx_graph import OnnxGraph


@register("Exp")
class Exp(Layer):
    """base ^ (shift + scale * x); base -1 stands for e.

    Source: Caffe, src/caffe/layers/exp_layer.cpp.
    """

    def check(self) -> None:
        self.expect_bottoms(1)
        options = self.param.exp_param
        if options.base != -1 and options.base <= 0:
            self.fail(f"base {options.base:g} must be -1 (for e) or above 0")
        base = 1.0 if options.base == -1 else math.log(options.base)
        #: The top is `outer` * exp(`inner` * x).
        self.inner, self.outer = base * options.scale, math.exp(base * options.shift)

    def forward(
        self, bottoms: list[torch.Tensor], blobs: list[torch.Tensor], train: bool
    ) -> list[torch.Tensor]:
        return [(bottoms[0] * self.inner).exp() * self.outer]

    def onnx(self, graph: OnnxGraph, bottoms: list[str], blobs: list[Array], tops: list[str]) -> None:
        name, x = self.param.name, bottoms[0]
        if self.inner != 1:
            x = graph.apply("Mul", [x, graph.number(f"{name}/inner", self.inner)], f"{name}/power")
        if self.outer == 1:
            graph.node("Exp", [x], tops)
            return
        power = graph.apply("Exp", [x], f"{name}/exp")
        graph.node("Mul", [power, graph.number(f"{name}/outer", self.outer)], tops)
