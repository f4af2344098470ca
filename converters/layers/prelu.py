"""PReLU: a leaky ReLU whose slope is learned."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import caffe_pb2
from ..blobs import Array, to_array, to_blob
from .layer import BlobSpec, Layer, register

if TYPE_CHECKING:
    import torch

    from ..onnx_graph import OnnxGraph

QUARTER = caffe_pb2.FillerParameter(type="constant", value=0.25)


@register("PReLU")
class PReLU(Layer):
    """max(x, 0) + slope * min(x, 0), a slope per channel or one for all (`channel_shared`).

    Blob: slope (C), or a single number. Source: Caffe, src/caffe/layers/prelu_layer.cpp.
    """

    def check(self) -> None:
        self.expect_bottoms(1)
        if len(self.bottoms[0]) < 2:
            self.fail(f"its bottom {list(self.bottoms[0])} has no channels")

    def blobs(self) -> list[BlobSpec]:
        options = self.param.prelu_param
        filler = options.filler if options.HasField("filler") else QUARTER
        shape = () if options.channel_shared else (self.bottoms[0][1],)
        return [BlobSpec(shape, filler)]

    def forward(
        self, bottoms: list[torch.Tensor], blobs: list[torch.Tensor], train: bool
    ) -> list[torch.Tensor]:
        from torch.nn.functional import prelu

        return [prelu(bottoms[0], blobs[0].reshape(-1))]

    def onnx(self, graph: OnnxGraph, bottoms: list[str], blobs: list[Array], tops: list[str]) -> None:
        # The slope is written per channel even if shared: OpenCV reads no other form.
        channels = self.bottoms[0][1]
        trailing = [1] * (len(self.bottoms[0]) - 2)
        slope = blobs[0].reshape(-1).repeat(channels // blobs[0].size).reshape(channels, *trailing)
        graph.node("PRelu", [*bottoms, graph.constant(f"{self.param.name}.0", slope)], tops)

    def opencv(self, param: caffe_pb2.LayerParameter) -> list[caffe_pb2.LayerParameter] | None:
        if param.prelu_param.channel_shared:
            param.prelu_param.channel_shared = False
            slope = to_array(param.blobs[0], param.name)
            param.blobs[0].CopyFrom(to_blob(slope.repeat(self.bottoms[0][1])))
        return [param]
