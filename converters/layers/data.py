"""Layers that bring pictures and labels in: `Input`, and the data layers that only training has."""

from __future__ import annotations

from collections.abc import Sequence

from .. import caffe_pb2
from ..blobs import Shape
from .layer import Layer, register


@register("Input")
class Input(Layer):
    """An input of the net, shaped by `input_param`; the batch size stays free in ONNX.

    Source: Caffe, src/caffe/layers/input_layer.cpp.
    """

    fed = True

    def check(self) -> None:
        shapes = self.param.input_param.shape
        if len(shapes) not in (1, len(self.param.top)):
            self.fail(f"gives {len(shapes)} shapes for {len(self.param.top)} tops")
        if any(size < 1 for shape in shapes for size in shape.dim):
            self.fail("every size in its shape must be at least 1")

    def tops(self) -> list[Shape]:
        shapes = [tuple(shape.dim) for shape in self.param.input_param.shape]
        return shapes if len(shapes) > 1 else shapes * len(self.param.top)

    def opencv(self, param: caffe_pb2.LayerParameter) -> list[caffe_pb2.LayerParameter] | None:
        param.input_param.ClearField("shape")
        for shape in self.tops():
            param.input_param.shape.add(dim=shape)
        return [param]


@register("ImageData", "Data", "DummyData", "HDF5Data", "MemoryData", "WindowData")
class Data(Layer):
    """Reads files during training. Whoever builds the net gives the tops' shapes (`data_shapes`)."""

    fed = True
    left_out = "reads training data; a deploy net has an Input layer instead"

    def __init__(
        self,
        param: caffe_pb2.LayerParameter,
        bottoms: Sequence[Shape],
        shapes: Sequence[Shape] | None = None,
    ) -> None:
        super().__init__(param, bottoms)
        self.shapes = shapes

    def tops(self) -> list[Shape]:
        if self.shapes is None:
            self.fail("reads training data; give the deploy net, whose inputs are Input layers")
        return list(self.shapes)
