"""Power."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..blobs import Array
from .layer import Layer, register

if TYPE_CHECKING:
    import torch

    from ..onnx_graph import OnnxGraph


@register("Power")
class Power(Layer):
    """(shift + scale * x) ^ power; NaN for a broken power of a negative number.

    Source: Caffe, src/caffe/layers/power_layer.cpp.
    """

    def check(self) -> None:
        self.expect_bottoms(1)

    def forward(
        self, bottoms: list[torch.Tensor], blobs: list[torch.Tensor], train: bool
    ) -> list[torch.Tensor]:
        options = self.param.power_param
        inner = bottoms[0] * options.scale + options.shift
        return [inner if options.power == 1 else inner**options.power]

    def onnx(self, graph: OnnxGraph, bottoms: list[str], blobs: list[Array], tops: list[str]) -> None:
        name, options, x = self.param.name, self.param.power_param, bottoms[0]
        steps = [("Mul", "scale", options.scale, 1), ("Add", "shift", options.shift, 0)]
        steps.append(("Pow", "power", options.power, 1))
        steps = [step for step in steps if step[2] != step[3]] or steps[:1]
        for operator, field, value, _ in steps[:-1]:
            number = graph.number(f"{name}/{field}", value)
            x = graph.apply(operator, [x, number], f"{name}/with_{field}")
        operator, field, value, _ = steps[-1]
        graph.node(operator, [x, graph.number(f"{name}/{field}", value)], tops)
