"""Dropout."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..blobs import Array
from .layer import Layer, register

if TYPE_CHECKING:
    import torch

    from ..onnx_graph import OnnxGraph


@register("Dropout")
class Dropout(Layer):
    """Inverted dropout in TRAIN, the identity in TEST.

    Source: Caffe, src/caffe/layers/dropout_layer.cpp.
    """

    def check(self) -> None:
        self.expect_bottoms(1)
        ratio = self.param.dropout_param.dropout_ratio
        if not 0 <= ratio < 1:
            self.fail(f"dropout_ratio {ratio} must be at least 0 and below 1")

    def forward(
        self, bottoms: list[torch.Tensor], blobs: list[torch.Tensor], train: bool
    ) -> list[torch.Tensor]:
        from torch.nn.functional import dropout

        return [dropout(bottoms[0], self.param.dropout_param.dropout_ratio, training=train)]

    def onnx(self, graph: OnnxGraph, bottoms: list[str], blobs: list[Array], tops: list[str]) -> None:
        graph.copy(bottoms[0], tops)
