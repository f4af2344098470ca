"""Split: one blob under several names; Caffe inserts it by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import caffe_pb2
from ..blobs import Array, Shape
from .layer import Layer, register

if TYPE_CHECKING:
    import torch

    from ..onnx_graph import OnnxGraph


@register("Split")
class Split(Layer):
    """Copies of a blob, so that gradients add up. Source: Caffe, src/caffe/layers/split_layer.cpp."""

    def check(self) -> None:
        self.expect_bottoms(1)

    def tops(self) -> list[Shape]:
        return [self.bottoms[0] for _ in self.param.top]

    def forward(
        self, bottoms: list[torch.Tensor], blobs: list[torch.Tensor], train: bool
    ) -> list[torch.Tensor]:
        return [bottoms[0] for _ in self.param.top]

    def onnx(self, graph: OnnxGraph, bottoms: list[str], blobs: list[Array], tops: list[str]) -> None:
        graph.copy(bottoms[0], tops)

    def opencv(self, param: caffe_pb2.LayerParameter) -> list[caffe_pb2.LayerParameter] | None:
        # One for each top, as only the first top of a layer can be asked for by name.
        return [
            caffe_pb2.LayerParameter(name=top, type="Split", bottom=param.bottom, top=[top])
            for top in param.top
        ]
