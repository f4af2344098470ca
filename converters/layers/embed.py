"""Embed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import caffe_pb2
from ..blobs import Array, Shape
from .layer import BlobSpec, Layer, register

if TYPE_CHECKING:
    import torch

    from ..onnx_graph import OnnxGraph


@register("Embed")
class Embed(Layer):
    """Rows of a table by number, plus a bias: the top has one more axis than the bottom.

    Weight (`input_dim`, `num_output`), then the bias (`num_output`). The bottom holds whole numbers
    from 0 to `input_dim` - 1. Source: Caffe, src/caffe/layers/embed_layer.cpp.
    """

    notes = "OpenCV 4's importer has no such layer: by way of ONNX"

    def check(self) -> None:
        self.expect_bottoms(1)
        options = self.param.embed_param
        if options.num_output < 1 or options.input_dim < 1:
            self.fail("num_output and input_dim must be at least 1")

    def blobs(self) -> list[BlobSpec]:
        options = self.param.embed_param
        specs = [BlobSpec((options.input_dim, options.num_output), options.weight_filler)]
        if options.bias_term:
            specs.append(BlobSpec((options.num_output,), options.bias_filler))
        return specs

    def tops(self) -> list[Shape]:
        return [(*self.bottoms[0], self.param.embed_param.num_output)]

    def forward(
        self, bottoms: list[torch.Tensor], blobs: list[torch.Tensor], train: bool
    ) -> list[torch.Tensor]:
        from torch.nn.functional import embedding

        rows = embedding(bottoms[0].long(), blobs[0])
        return [rows + blobs[1] if len(blobs) > 1 else rows]

    def onnx(self, graph: OnnxGraph, bottoms: list[str], blobs: list[Array], tops: list[str]) -> None:
        name, (weight, *bias) = self.param.name, graph.blobs(self.param.name, blobs)
        numbers = graph.to_int(bottoms[0], f"{name}/numbers")
        if len(self.bottoms[0]) == 1:  # OpenCV 4 reads (n, 1) there, and would keep the 1
            rows = graph.apply("Gather", [weight, numbers], f"{name}/rows")
            rows = graph.reshape(rows, [-1, self.tops()[0][-1]], graph.fresh(f"{name}/matrix"))
        else:
            rows = graph.apply("Gather", [weight, numbers], f"{name}/rows")
        if bias:
            graph.node("Add", [rows, *bias], tops)
        else:
            graph.node("Identity", [rows], tops)

    def opencv(self, param: caffe_pb2.LayerParameter) -> list[caffe_pb2.LayerParameter] | None:
        return None
