"""SPP: spatial pyramid pooling."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from .. import caffe_pb2
from ..blobs import Array, Shape
from .layer import Layer, register
from .pooling import Pooling

if TYPE_CHECKING:
    import torch

    from ..onnx_graph import OnnxGraph

SPP_POOL, POOL = caffe_pb2.SPPParameter, caffe_pb2.PoolingParameter
METHODS = {
    SPP_POOL.MAX: POOL.MAX,
    SPP_POOL.AVE: POOL.AVE,
    SPP_POOL.STOCHASTIC: POOL.STOCHASTIC,
}


@register("SPP")
class SPP(Layer):
    """Pooling into 1 x 1, 2 x 2, 4 x 4 ... windows, one row of all of them for each picture.

    `pyramid_height` levels, each a Pooling whose windows do not overlap.
    Source: Caffe, src/caffe/layers/spp_layer.cpp.
    """

    notes = "MAX and AVE. OpenCV 4's importer has no such layer: as Pooling, Flatten and Concat"

    def check(self) -> None:
        self.expect_bottoms(1)
        height = self.param.spp_param.pyramid_height
        if height < 1:
            self.fail("pyramid_height must be at least 1")
        if len(self.bottoms[0]) != 4:
            self.fail(f"its bottom {list(self.bottoms[0])} is not N x C x H x W")
        self.levels = [self._level(index) for index in range(height)]

    def _level(self, index: int) -> Pooling:
        """The pooling into 2^index x 2^index windows. Source: spp_layer.cpp, GetPoolingParam."""
        bins = 2**index
        name = f"{self.param.name}/level_{index}"
        param = caffe_pb2.LayerParameter(name=name, type="Pooling", top=[name])
        options = param.pooling_param
        options.pool = METHODS[self.param.spp_param.pool]
        (kernel_h, pad_h), (kernel_w, pad_w) = (_window(size, bins) for size in self.bottoms[0][2:])
        options.kernel_h, options.stride_h, options.pad_h = kernel_h, kernel_h, pad_h
        options.kernel_w, options.stride_w, options.pad_w = kernel_w, kernel_w, pad_w
        level = Pooling(param, self.bottoms)
        if level.size != [bins, bins]:
            self.fail(f"its bottom {list(self.bottoms[0])} does not give {bins} x {bins} windows")
        return level

    def tops(self) -> list[Shape]:
        count, channels = self.bottoms[0][:2]
        return [(count, sum(channels * 4**index for index in range(len(self.levels))))]

    def forward(
        self, bottoms: list[torch.Tensor], blobs: list[torch.Tensor], train: bool
    ) -> list[torch.Tensor]:
        import torch

        parts = [level.forward(bottoms, [], train)[0].flatten(1) for level in self.levels]
        return [torch.cat(parts, 1)]

    def onnx(self, graph: OnnxGraph, bottoms: list[str], blobs: list[Array], tops: list[str]) -> None:
        rows = []
        for level in self.levels:
            pooled = graph.fresh(level.param.name)
            level.onnx(graph, bottoms, [], [pooled])
            target = tops[0] if len(self.levels) == 1 else graph.fresh(f"{pooled}/row")
            rows.append(graph.reshape(pooled, [-1, math.prod(level.tops()[0][1:])], target))
        if len(rows) > 1:
            graph.node("Concat", rows, tops, {"axis": 1})

    def opencv(self, param: caffe_pb2.LayerParameter) -> list[caffe_pb2.LayerParameter] | None:
        layers, rows = [], []
        for level in self.levels:
            copy = caffe_pb2.LayerParameter()
            copy.CopyFrom(level.param)
            copy.bottom[:] = param.bottom
            pooled = level.opencv(copy)
            if pooled is None:
                return None
            name = f"{level.param.name}/row"
            row = caffe_pb2.LayerParameter(name=name, type="Flatten", bottom=copy.top, top=[name])
            layers += [*pooled, row]
            rows.append(name)
        joined = caffe_pb2.LayerParameter(name=param.name, bottom=rows, top=param.top)
        joined.type = "Concat" if len(rows) > 1 else "Split"
        return [*layers, joined]


def _window(size: int, bins: int) -> tuple[int, int]:
    """Pixels and padding of `bins` windows along an axis of `size` pixels."""
    kernel = -(-size // bins)
    return kernel, (kernel * bins - size + 1) // 2
