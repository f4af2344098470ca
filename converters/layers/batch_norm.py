"""BatchNorm: normalisation by accumulated statistics; gamma and beta are a Scale layer's."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from .. import caffe_pb2
from ..blobs import Array
from .layer import BlobSpec, Layer, register

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

    notes = "to ONNX with the stored statistics only (no `use_global_stats: false`), from two axes on"

    def check(self) -> None:
        self.expect_bottoms(1)
        if not self.bottoms[0]:
            self.fail("its bottom is a single number")
        shape = self.bottoms[0]
        self.channels = 1 if len(shape) == 1 else shape[1]
        # read here: torch.compile cannot trace HasField
        options = self.param.batch_norm_param
        given = options.HasField("use_global_stats")
        self.use_global_stats = options.use_global_stats if given else None

    def blobs(self) -> list[BlobSpec]:
        zero = caffe_pb2.FillerParameter()
        shapes = ((self.channels,), (self.channels,), (1,))
        return [BlobSpec(shape, zero, learned=False) for shape in shapes]

    def use_statistics(self, train: bool) -> bool:
        """Whether the stored statistics are used rather than the batch's own."""
        return not train if self.use_global_stats is None else self.use_global_stats

    def forward(
        self, bottoms: list[torch.Tensor], blobs: list[torch.Tensor], train: bool
    ) -> list[torch.Tensor]:
        return [self.normalised(bottoms[0], blobs, None, None, train)]

    def normalised(
        self,
        bottom: torch.Tensor,
        blobs: list[torch.Tensor],
        gamma: torch.Tensor | None,
        beta: torch.Tensor | None,
        train: bool,
    ) -> torch.Tensor:
        """The top, times `gamma` plus `beta` (C,), which a Scale behind it may lend.

        In TRAIN the batch's mean and variance are added to the blobs.
        """
        import torch

        options, eps = self.param.batch_norm_param, self.param.batch_norm_param.eps
        x = bottom if bottom.ndim > 1 else bottom[:, None]
        if self.use_statistics(train):
            scale = torch.where(blobs[2] == 0, 0.0, 1 / blobs[2])
            mean, variance = blobs[0] * scale, blobs[1] * scale
            y = torch.batch_norm(x, gamma, beta, mean, variance, False, 0.0, eps, True)
            return y[:, 0] if bottom.ndim == 1 else y
        # With momentum 1 PyTorch leaves the batch's own mean and its unbiased variance there: what
        # Caffe adds to its sums, though it normalises by the biased one. No second pass is needed.
        # of the blobs' type: the bottom may be bfloat16
        mean, variance = found = blobs[0].new_zeros(2, self.channels).unbind()
        y = torch.batch_norm(x, gamma, beta, mean, variance, True, 1.0, eps, True)
        if math.prod(x.shape) == self.channels:
            variance.zero_()  # of one value: PyTorch says 0 / 0
        with torch.no_grad():
            # as lists: a GPU has much fewer and less empty kernels to run
            torch._foreach_mul_(blobs[:3], options.moving_average_fraction)
            torch._foreach_add_(blobs[:2], found)
            blobs[2].add_(1)
        return y[:, 0] if bottom.ndim == 1 else y

    def onnx(self, graph: OnnxGraph, bottoms: list[str], blobs: list[Array], tops: list[str]) -> None:
        if len(self.bottoms[0]) < 2:
            self.fail("a bottom with one axis cannot be written to ONNX")
        if not self.use_statistics(train=False):
            self.fail("use_global_stats: false normalises by the batch, which ONNX cannot express")
        name, epsilon = self.param.name, self.param.batch_norm_param.eps
        mean, variance = statistics(blobs)
        if graph.has_groups(bottoms[0], "ConvTranspose"):
            # OpenCV 4 would merge it into the wrong weights.
            factor = (1 / np.sqrt(variance + epsilon)).reshape(-1, 1, 1)
            shift = -mean.reshape(-1, 1, 1) * factor
            factors = graph.constant(f"{name}/factor", factor), graph.constant(f"{name}/shift", shift)
            product = graph.apply("Mul", [bottoms[0], factors[0]], f"{name}/product")
            graph.node("Add", [product, factors[1]], tops)
            return
        parameters = [
            graph.constant(f"{name}/scale", np.ones_like(mean)),
            graph.constant(f"{name}/bias", np.zeros_like(mean)),
            graph.constant(f"{name}/mean", mean),
            graph.constant(f"{name}/variance", variance),
        ]
        graph.node("BatchNormalization", [bottoms[0], *parameters], tops, {"epsilon": epsilon})

    def opencv(self, param: caffe_pb2.LayerParameter) -> list[caffe_pb2.LayerParameter] | None:
        # OpenCV 4 would normalise each picture by itself, and has no arrays of one axis.
        return [param] if self.use_statistics(train=False) and len(self.bottoms[0]) > 1 else None
