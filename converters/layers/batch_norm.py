"""BatchNorm: normalisation by accumulated statistics; gamma and beta are a Scale layer's."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from .. import caffe_pb2
from ..blobs import Array
from .registry import BlobSpec, Layer, register

if TYPE_CHECKING:
    import torch

    from ..onnx_graph import OnnxGraph


def statistics(blobs: Sequence[Array]) -> tuple[Array, Array]:
    """Mean and variance (C,) out of a BatchNorm's three blobs: two sums and their common factor.

    A factor of 0 (untrained) gives zeros, as in Caffe. The published models hold 999.98: a reader
    that forgets the division is wrong by a factor of 1000.
    """
    factor = float(blobs[2].reshape(-1)[0])
    scale = blobs[0].dtype.type(0 if factor == 0 else 1 / factor)
    return blobs[0] * scale, blobs[1] * scale


@register("BatchNorm")
class BatchNorm(Layer):
    """Batch normalisation without gamma and beta; TEST uses sums / factor.

    Blobs: sum of means (C), sum of variances (C), factor (1); no solver moves them. Source: Caffe,
    src/caffe/layers/batch_norm_layer.cpp.
    """

    def check(self) -> None:
        self.expect_bottoms(1)
        if not self.bottoms[0]:
            self.fail("its bottom is a single number")
        shape = self.bottoms[0]
        self.channels = 1 if len(shape) == 1 else shape[1]

    def blobs(self) -> list[BlobSpec]:
        zero = caffe_pb2.FillerParameter()
        shapes = ((self.channels,), (self.channels,), (1,))
        return [BlobSpec(shape, zero, learned=False) for shape in shapes]

    def use_statistics(self, train: bool) -> bool:
        """Whether the stored statistics are used rather than the batch's own."""
        options = self.param.batch_norm_param
        return options.use_global_stats if options.HasField("use_global_stats") else not train

    def forward(
        self, bottoms: list[torch.Tensor], blobs: list[torch.Tensor], train: bool
    ) -> list[torch.Tensor]:
        import torch
        from torch.nn.functional import batch_norm

        eps = self.param.batch_norm_param.eps
        x = bottoms[0] if bottoms[0].ndim > 1 else bottoms[0][:, None]
        mean_sum, variance_sum, factor = blobs
        if self.use_statistics(train):
            scale = torch.where(factor == 0, 0.0, 1 / factor)
            y = batch_norm(x, mean_sum * scale, variance_sum * scale, eps=eps)
            return [y.view_as(bottoms[0])]
        with torch.no_grad():
            axes = [axis for axis in range(x.ndim) if axis != 1]
            # Caffe adds the unbiased variance to its sum but normalises by the biased one.
            count = math.prod(x.shape) // self.channels
            variance, mean = torch.var_mean(x, axes, correction=1 if count > 1 else 0)
            fraction = self.param.batch_norm_param.moving_average_fraction
            for total, value in ((mean_sum, mean), (variance_sum, variance), (factor, 1.0)):
                total.mul_(fraction).add_(value)
        return [batch_norm(x, None, None, training=True, eps=eps).view_as(bottoms[0])]

    def onnx(self, graph: OnnxGraph, bottoms: list[str], blobs: list[Array], tops: list[str]) -> None:
        if len(self.bottoms[0]) < 2:
            self.fail("a bottom with one axis cannot be written to ONNX")
        name = self.param.name
        mean, variance = statistics(blobs)
        parameters = [
            graph.constant(f"{name}/scale", np.ones_like(mean)),
            graph.constant(f"{name}/bias", np.zeros_like(mean)),
            graph.constant(f"{name}/mean", mean),
            graph.constant(f"{name}/variance", variance),
        ]
        attributes = {"epsilon": self.param.batch_norm_param.eps}
        graph.node("BatchNormalization", [bottoms[0], *parameters], tops, attributes)
