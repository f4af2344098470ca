"""LRN: local response normalisation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import caffe_pb2
from ..blobs import Array
from .layer import Layer, register

if TYPE_CHECKING:
    import torch

    from ..onnx_graph import OnnxGraph


@register("LRN")
class LRN(Layer):
    """Local response normalisation, across channels or within each.

    ACROSS_CHANNELS: x / (k + alpha / n * sum) ^ beta, with the sum of x^2 over n = `local_size`
    channels around.
    WITHIN_CHANNEL: over n x n pixels, alpha / n^2 and always k = 1. Outside is 0.
    Source: Caffe, src/caffe/layers/lrn_layer.cpp.
    """

    notes = "OpenCV 4's importer takes `k` for 1: others by way of ONNX"

    def check(self) -> None:
        self.expect_bottoms(1)
        options = self.param.lrn_param
        if options.local_size % 2 == 0:
            self.fail(f"local_size {options.local_size} must be odd")
        if len(self.bottoms[0]) != 4:
            self.fail(f"its bottom {list(self.bottoms[0])} is not N x C x H x W")
        self.within = options.norm_region == caffe_pb2.LRNParameter.WITHIN_CHANNEL
        self.k = 1.0 if self.within else options.k

    def forward(
        self, bottoms: list[torch.Tensor], blobs: list[torch.Tensor], train: bool
    ) -> list[torch.Tensor]:
        from torch.nn.functional import avg_pool2d, avg_pool3d, pad

        x, options = bottoms[0], self.param.lrn_param
        size, half = options.local_size, options.local_size // 2
        if self.within:
            mean = avg_pool2d(x * x, size, 1, half)
        else:
            padded = pad(x * x, (0, 0, 0, 0, half, half))
            mean = avg_pool3d(padded[:, None], (size, 1, 1), 1)[:, 0]
        return [x * (self.k + options.alpha * mean) ** -options.beta]

    def onnx(self, graph: OnnxGraph, bottoms: list[str], blobs: list[Array], tops: list[str]) -> None:
        options = self.param.lrn_param
        if not self.within:
            attributes = {
                "size": options.local_size,
                "alpha": options.alpha,
                "beta": options.beta,
                "bias": self.k,
            }
            graph.node("LRN", bottoms, tops, attributes)
            return
        name, size, half = self.param.name, options.local_size, (options.local_size // 2,) * 2
        square = graph.apply("Mul", [*bottoms, *bottoms], f"{name}/square")
        padded = graph.pad(square, half, half, 0, f"{name}/padded")
        pooling = {"kernel_shape": (size, size), "count_include_pad": 1}
        x = graph.apply("AveragePool", [padded], f"{name}/mean", pooling)
        for operator, field, value in (
            ("Mul", "alpha", options.alpha),
            ("Add", "one", 1),
            ("Pow", "power", -options.beta),
        ):
            x = graph.apply(operator, [x, graph.number(f"{name}/{field}", value)], f"{name}/{operator}")
        graph.node("Mul", [*bottoms, x], tops)

    def opencv(self, param: caffe_pb2.LayerParameter) -> list[caffe_pb2.LayerParameter] | None:
        # OpenCV has defaults of its own for what the text does not give.
        given, options = param.lrn_param, self.param.lrn_param
        given.local_size, given.alpha, given.beta = options.local_size, options.alpha, options.beta
        given.norm_region = options.norm_region
        return [param] if self.k == 1 else None
