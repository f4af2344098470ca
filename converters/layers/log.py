"""Log: a logarithm to any base."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from .. import caffe_pb2
from ..blobs import Array
from .layer import Layer, register

if TYPE_CHECKING:
    import torch

    from ..onnx_graph import OnnxGraph


@register("Log")
class Log(Layer):
    """Logarithm of shift + scale * x to a base; -1 stands for e.

    Source: Caffe, src/caffe/layers/log_layer.cpp.
    """

    notes = "OpenCV 4's importer knows the plain logarithm only: others by way of ONNX"

    def check(self) -> None:
        self.expect_bottoms(1)
        base = self.param.log_param.base
        if base != -1 and (base <= 0 or base == 1):
            self.fail(f"base {base:g} must be -1 (for e), or above 0 and not 1")
        #: What the natural logarithm is multiplied with.
        self.factor = 1.0 if base == -1 else 1 / math.log(base)

    def forward(
        self, bottoms: list[torch.Tensor], blobs: list[torch.Tensor], train: bool
    ) -> list[torch.Tensor]:
        options = self.param.log_param
        return [(bottoms[0] * options.scale + options.shift).log() * self.factor]

    def onnx(self, graph: OnnxGraph, bottoms: list[str], blobs: list[Array], tops: list[str]) -> None:
        name, options, x = self.param.name, self.param.log_param, bottoms[0]
        if options.scale != 1:
            x = graph.apply("Mul", [x, graph.number(f"{name}/scale", options.scale)], f"{name}/scaled")
        if options.shift:
            x = graph.apply("Add", [x, graph.number(f"{name}/shift", options.shift)], f"{name}/shifted")
        if self.factor == 1:
            graph.node("Log", [x], tops)
            return
        natural = graph.apply("Log", [x], f"{name}/natural")
        graph.node("Mul", [natural, graph.number(f"{name}/factor", self.factor)], tops)

    def opencv(self, param: caffe_pb2.LayerParameter) -> list[caffe_pb2.LayerParameter] | None:
        options = self.param.log_param
        plain = self.factor == 1 and options.scale == 1 and not options.shift
        return [param] if plain else None
