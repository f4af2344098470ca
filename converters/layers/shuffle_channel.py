"""ShuffleChannel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..blobs import Array
from .layer import Layer, register

if TYPE_CHECKING:
    import torch

    from ..onnx_graph import OnnxGraph


@register("ShuffleChannel")
class ShuffleChannel(Layer):
    """Channels in `group` rows, read by columns: the first of every group, the second of every group...

    Not in BVLC Caffe: from farmingyard/ShuffleNet, shuffle_channel_layer.cpp.
    """

    notes = "not in BVLC Caffe; N x C x H x W only"

    def check(self) -> None:
        self.expect_bottoms(1)
        self.group = self.param.shuffle_channel_param.group
        if len(self.bottoms[0]) != 4:
            self.fail(f"its bottom {list(self.bottoms[0])} is not N x C x H x W")
        if self.group < 1 or self.bottoms[0][1] % self.group:
            self.fail(f"{self.bottoms[0][1]} channels do not fall into {self.group} groups")

    def forward(
        self, bottoms: list[torch.Tensor], blobs: list[torch.Tensor], train: bool
    ) -> list[torch.Tensor]:
        count, channels, *sizes = bottoms[0].shape
        rows = bottoms[0].reshape(count, self.group, channels // self.group, *sizes)
        return [rows.transpose(1, 2).flatten(1, 2)]

    def onnx(self, graph: OnnxGraph, bottoms: list[str], blobs: list[Array], tops: list[str]) -> None:
        name, (_, channels, height, width) = self.param.name, self.bottoms[0]
        shape = [-1, self.group, channels // self.group, height * width]
        rows = graph.reshape(bottoms[0], shape, graph.fresh(f"{name}/rows"))
        columns = graph.apply("Transpose", [rows], f"{name}/columns", {"perm": (0, 2, 1, 3)})
        graph.reshape(columns, [-1, channels, height, width], tops[0])
