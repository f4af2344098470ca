"""ELU."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..blobs import Array
from .layer import Layer, register

if TYPE_CHECKING:
    import torch

    from ..onnx_graph import OnnxGraph


@register("ELU")
class ELU(Layer):
    """x where it is positive, else alpha * (exp(x) - 1).

    Source: Caffe, src/caffe/layers/elu_layer.cpp.
    """

    def check(self) -> None:
        self.expect_bottoms(1)

    def forward(
        self, bottoms: list[torch.Tensor], blobs: list[torch.Tensor], train: bool
    ) -> list[torch.Tensor]:
        from torch.nn.functional import elu

        return [elu(bottoms[0], self.param.elu_param.alpha)]

    def onnx(self, graph: OnnxGraph, bottoms: list[str], blobs: list[Array], tops: list[str]) -> None:
        graph.node("Elu", bottoms, tops, {"alpha": self.param.elu_param.alpha})
