"""MVN: mean and variance normalised."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from .. import caffe_pb2
from ..blobs import Array
from .layer import Layer, register

if TYPE_CHECKING:
    import torch

    from ..onnx_graph import OnnxGraph


@register("MVN")
class MVN(Layer):
    """Mean taken off, then divided by the deviation + `eps`, per channel or `across_channels`.

    Of each picture by itself; without `normalize_variance` the mean only. eps is added behind the root.
    Source: Caffe, src/caffe/layers/mvn_layer.cpp.
    """

    notes = "OpenCV 4's importer adds `eps` under the root, and some nets stop it: by way of ONNX"

    def check(self) -> None:
        self.expect_bottoms(1)
        first = 1 if self.param.mvn_param.across_channels else 2
        self.axes = list(range(first, len(self.bottoms[0])))
        if not self.axes:
            self.fail(f"its bottom {list(self.bottoms[0])} leaves nothing to take a mean of")

    def forward(
        self, bottoms: list[torch.Tensor], blobs: list[torch.Tensor], train: bool
    ) -> list[torch.Tensor]:
        options, x = self.param.mvn_param, bottoms[0]
        centred = x - x.mean(self.axes, keepdim=True)
        if not options.normalize_variance:
            return [centred]
        return [centred / ((centred**2).mean(self.axes, keepdim=True).sqrt() + options.eps)]

    def onnx(self, graph: OnnxGraph, bottoms: list[str], blobs: list[Array], tops: list[str]) -> None:
        name, options = self.param.name, self.param.mvn_param
        mean = self._mean(graph, bottoms[0], name)
        if not options.normalize_variance:
            graph.node("Sub", [bottoms[0], mean], tops)
            return
        centred = graph.apply("Sub", [bottoms[0], mean], f"{name}/centred")
        square = graph.apply("Mul", [centred, centred], f"{name}/square")
        root = graph.apply("Sqrt", [self._mean(graph, square, f"{name}/root")], f"{name}/root")
        divisor = graph.apply(
            "Add", [root, graph.number(f"{name}/eps", options.eps)], f"{name}/divisor"
        )
        graph.node("Div", [centred, divisor], tops)

    def _mean(self, graph: OnnxGraph, source: str, name: str) -> str:
        """Not ReduceMean, whose axes are an attribute up to opset 17 and an input from 18 on."""
        total = graph.sum_behind(source, self.bottoms[0], self.axes[0], name)
        count = math.prod(self.bottoms[0][axis] for axis in self.axes)
        return graph.apply("Mul", [total, graph.number(f"{name}/factor", 1 / count)], f"{name}/mean")

    def opencv(self, param: caffe_pb2.LayerParameter) -> list[caffe_pb2.LayerParameter] | None:
        return None
