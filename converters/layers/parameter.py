"""Parameter: a learned blob as a top."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import caffe_pb2
from ..blobs import Array, Shape
from .layer import BlobSpec, Layer, register

if TYPE_CHECKING:
    import torch

    from ..onnx_graph import OnnxGraph


ZERO = caffe_pb2.FillerParameter(type="constant")


@register("Parameter")
class Parameter(Layer):
    """A learned blob as a top, without any bottom.

    Source: Caffe, include/caffe/layers/parameter_layer.hpp.
    """

    notes = (
        "OpenCV 4's importer has no such layer: by way of ONNX, where it cannot give it out as an "
        "output nor compute layers that read nothing else"
    )

    def check(self) -> None:
        self.expect_bottoms(0)
        self.shape = tuple(self.param.parameter_param.shape.dim)
        if any(size < 1 for size in self.shape):
            self.fail(f"every size in its shape {list(self.shape)} must be at least 1")

    def blobs(self) -> list[BlobSpec]:
        return [BlobSpec(self.shape, ZERO)]

    def tops(self) -> list[Shape]:
        return [self.shape]

    def forward(
        self, bottoms: list[torch.Tensor], blobs: list[torch.Tensor], train: bool
    ) -> list[torch.Tensor]:
        return [blobs[0].clone()]  # layers may overwrite a top

    def onnx(self, graph: OnnxGraph, bottoms: list[str], blobs: list[Array], tops: list[str]) -> None:
        graph.node("Identity", graph.blobs(self.param.name, blobs), tops)

    def opencv(self, param: caffe_pb2.LayerParameter) -> list[caffe_pb2.LayerParameter] | None:
        return None
