"""Concat."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import caffe_pb2
from ..blobs import Array, Shape
from .layer import Layer, register

if TYPE_CHECKING:
    import torch

    from ..onnx_graph import OnnxGraph


@register("Concat")
class Concat(Layer):
    """Bottoms side by side along `axis` (old files: `concat_dim`).

    Source: Caffe, src/caffe/layers/concat_layer.cpp.
    """

    def check(self) -> None:
        options = self.param.concat_param
        if not self.bottoms:
            self.fail("has no bottom")
        if options.HasField("axis") and options.HasField("concat_dim"):
            self.fail("gives both axis and concat_dim")
        self.along = self.axis(options.concat_dim if options.HasField("concat_dim") else options.axis)
        for bottom in self.bottoms:
            if len(bottom) != len(self.bottoms[0]) or self._rest(bottom) != self._rest(self.bottoms[0]):
                self.fail(f"{list(bottom)} does not fit {list(self.bottoms[0])} off axis {self.along}")

    def _rest(self, shape: Shape) -> Shape:
        return shape[: self.along] + shape[self.along + 1 :]

    def tops(self) -> list[Shape]:
        shape = list(self.bottoms[0])
        shape[self.along] = sum(bottom[self.along] for bottom in self.bottoms)
        return [tuple(shape)]

    def forward(
        self, bottoms: list[torch.Tensor], blobs: list[torch.Tensor], train: bool
    ) -> list[torch.Tensor]:
        import torch

        return [torch.cat(bottoms, self.along)]

    def onnx(self, graph: OnnxGraph, bottoms: list[str], blobs: list[Array], tops: list[str]) -> None:
        # One bottom alone is a copy: OpenCV 4's Concat leaves its output unset then.
        if len(bottoms) == 1:
            graph.copy(bottoms[0], tops)
            return
        name = self.param.name
        # An input of the net beside a constant: OpenCV 4 gives memory out that it has not set.
        sources = [
            graph.apply("Mul", [bottom, graph.number(f"{name}/one", 1)], f"{name}/{bottom}")
            if bottom in graph.beside_constants
            else bottom
            for bottom in bottoms
        ]
        graph.node("Concat", sources, tops, {"axis": self.along})

    def opencv(self, param: caffe_pb2.LayerParameter) -> list[caffe_pb2.LayerParameter] | None:
        param.concat_param.ClearField("concat_dim")
        param.concat_param.axis = self.along
        if len(param.bottom) == 1:
            param.type = "Split"
        return [param]
