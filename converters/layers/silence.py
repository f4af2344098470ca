"""Silence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..blobs import Array, Shape
from .layer import Layer, register

if TYPE_CHECKING:
    import torch

    from ..onnx_graph import OnnxGraph


@register("Silence")
class Silence(Layer):
    """Takes blobs that nothing else reads, so that they are no outputs.

    Source: Caffe, src/caffe/layers/silence_layer.cpp.
    """

    notes = "OpenCV 4 does not run the ONNX of a net that has an input which nothing else reads"

    def check(self) -> None:
        if not self.bottoms:
            self.fail("has no bottom")

    def tops(self) -> list[Shape]:
        return []

    def forward(
        self, bottoms: list[torch.Tensor], blobs: list[torch.Tensor], train: bool
    ) -> list[torch.Tensor]:
        return []

    def onnx(self, graph: OnnxGraph, bottoms: list[str], blobs: list[Array], tops: list[str]) -> None:
        pass
