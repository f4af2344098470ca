"""InnerProduct: the fully connected layer."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from .. import caffe_pb2
from ..blobs import Array, Shape, to_array, to_blob
from .layer import BlobSpec, Layer, register

if TYPE_CHECKING:
    import torch

    from ..onnx_graph import OnnxGraph


@register("InnerProduct")
class InnerProduct(Layer):
    """Matrix product of everything from `axis` on, flattened in C, H, W order, plus a bias.

    Weight (out, in), or (in, out) with `transpose`; bias (out). Source: Caffe,
    src/caffe/layers/inner_product_layer.cpp.
    """

    notes = "OpenCV 4: other axes than 1 by way of ONNX"

    def check(self) -> None:
        self.expect_bottoms(1)
        options = self.param.inner_product_param
        if options.num_output < 1:
            self.fail("num_output must be at least 1")
        self.start = self.axis(options.axis)
        self.inputs = math.prod(self.bottoms[0][self.start :])

    def blobs(self) -> list[BlobSpec]:
        options = self.param.inner_product_param
        shape = (options.num_output, self.inputs)
        specs = [BlobSpec(shape[::-1] if options.transpose else shape, options.weight_filler)]
        if options.bias_term:
            specs.append(BlobSpec((options.num_output,), options.bias_filler))
        return specs

    def tops(self) -> list[Shape]:
        return [(*self.bottoms[0][: self.start], self.param.inner_product_param.num_output)]

    def multiply_adds(self) -> int:
        return math.prod(self.tops()[0]) * self.inputs

    def forward(
        self, bottoms: list[torch.Tensor], blobs: list[torch.Tensor], train: bool
    ) -> list[torch.Tensor]:
        from torch.nn.functional import linear

        weight = blobs[0].T if self.param.inner_product_param.transpose else blobs[0]
        flat = bottoms[0].reshape(*bottoms[0].shape[: self.start], self.inputs)
        return [linear(flat, weight, blobs[1] if len(blobs) > 1 else None)]

    def onnx(self, graph: OnnxGraph, bottoms: list[str], blobs: list[Array], tops: list[str]) -> None:
        name, options = self.param.name, self.param.inner_product_param
        flat = bottoms[0]
        if len(self.bottoms[0]) != 2 or self.start != 1:
            flat = graph.fresh(f"{name}/flat")
            if self.start:
                graph.node("Flatten", bottoms, [flat], {"axis": self.start})
            else:  # OpenCV 4 flattens no batch; its size is part of the weight's shape here
                graph.reshape(bottoms[0], [1, self.inputs], flat)
        product = tops[0] if self.start == 1 else graph.fresh(f"{name}/product")
        attributes = {"transB": 0 if options.transpose else 1}
        graph.node("Gemm", [flat, *graph.blobs(name, blobs)], [product], attributes)
        if self.start != 1:
            target = [-1, *self.bottoms[0][1 : self.start], options.num_output][-self.start - 1 :]
            graph.reshape(product, target, tops[0])

    def opencv(self, param: caffe_pb2.LayerParameter) -> list[caffe_pb2.LayerParameter] | None:
        options = param.inner_product_param
        options.axis = self.start
        if options.transpose:  # OpenCV does not look at it
            options.transpose = False
            param.blobs[0].CopyFrom(to_blob(to_array(param.blobs[0], param.name).T))
        # Along other axes it merges a BatchNorm or Scale behind into the wrong weights.
        return [param] if self.start == 1 else None
