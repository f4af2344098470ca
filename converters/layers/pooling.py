"""Pooling, with Caffe's rounding up and its clipped windows."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .. import caffe_pb2
from ..blobs import Array, Shape
from .geometry import Geometry, pooling_geometry
from .layer import Layer, register

if TYPE_CHECKING:
    import torch

    from ..onnx_graph import OnnxGraph

MAX, AVE = caffe_pb2.PoolingParameter.MAX, caffe_pb2.PoolingParameter.AVE
FLOOR = caffe_pb2.PoolingParameter.FLOOR
LOWEST = float(np.finfo(np.float32).min)


def pooled_size(size: int, axis: int, geometry: Geometry, floor: bool) -> int:
    """Windows along one axis: rounded up, but none starts inside the padding behind the picture.

    As in Caffe, padding on one axis has that effect on both.
    """
    pad, stride = geometry.pad[axis], geometry.stride[axis]
    free = size + 2 * pad - geometry.kernel[axis]
    count = (free // stride if floor else -(-free // stride)) + 1
    if any(geometry.pad) and (count - 1) * stride >= size + pad:
        count -= 1
    return count


@register("Pooling")
class Pooling(Layer):
    """MAX and AVE pooling, `global_pooling` and both round modes.

    A MAX window without any pixel (stride > kernel) gives the lowest float; AVE divides by the window
    clipped to the padded picture. Source: Caffe, src/caffe/layers/pooling_layer.cpp.
    """

    notes = (
        "MAX and AVE, no mask; an AVE window without any pixel is refused. "
        "OpenCV 4: FLOOR and windows without a pixel by way of ONNX. "
        "OpenCV 4 does not load padded AVE from ONNX in a net that has an input of two axes as well; "
        "from Caffe files it does"
    )

    def check(self) -> None:
        self.expect_bottoms(1)
        options = self.param.pooling_param
        if len(self.param.top) != 1 or options.pool not in (MAX, AVE):
            self.fail("only MAX and AVE with one top are supported (no mask, no STOCHASTIC)")
        if len(self.bottoms[0]) != 4:
            self.fail(f"its bottom {list(self.bottoms[0])} is not N x C x H x W")
        self.geometry = g = pooling_geometry(self, options)
        floor = options.round_mode == FLOOR
        sizes = self.bottoms[0][2:]
        self.size = [pooled_size(size, axis, g, floor) for axis, size in enumerate(sizes)]
        if min(self.size) < 1:
            self.fail(f"its kernel {g.kernel} is larger than its padded bottom {list(sizes)}")
        if options.pool == AVE and not self.whole():
            self.fail("averages over no pixel in its last window (0/0 in Caffe); take a smaller stride")
        #: Rows and columns to add behind the picture so that every window is whole.
        self.behind = [
            max(0, (self.size[i] - 1) * g.stride[i] + g.kernel[i] - sizes[i] - g.pad[i]) for i in (0, 1)
        ]

    def tops(self) -> list[Shape]:
        return [(*self.bottoms[0][:2], *self.size)]

    def whole(self) -> bool:
        """Whether every window holds a pixel of the padded picture; the last one may lie behind it."""
        g, sizes = self.geometry, self.bottoms[0][2:]
        return all((self.size[i] - 1) * g.stride[i] < sizes[i] + 2 * g.pad[i] for i in (0, 1))

    def rounds_up(self) -> bool:
        """Whether ONNX's ceil_mode makes the same windows for any size: without padding, none empty."""
        g, floor = self.geometry, self.param.pooling_param.round_mode == FLOOR
        overlap = all(s <= k for s, k in zip(g.stride, g.kernel, strict=True))
        return not (floor or any(g.pad)) and overlap

    def spans(self, axis: int) -> NDArray[np.int64]:
        """How many pixels of the padded picture are under each window along one axis."""
        g, size = self.geometry, self.bottoms[0][2 + axis]
        start = np.arange(self.size[axis]) * g.stride[axis] - g.pad[axis]
        return np.minimum(start + g.kernel[axis], size + g.pad[axis]) - start

    def correction(self) -> Array | None:
        """Kernel area / area clipped to the padded picture, (1, 1, H, W); None if 1 everywhere."""
        kernel, area = self.geometry.kernel, self.spans(0)[:, None] * self.spans(1)
        factor: Array = kernel[0] * kernel[1] / area
        return None if (factor == 1).all() else factor[None, None]

    def forward(
        self, bottoms: list[torch.Tensor], blobs: list[torch.Tensor], train: bool
    ) -> list[torch.Tensor]:
        from torch.nn.functional import avg_pool2d, max_pool2d, pad

        if bottoms[0].shape[2:] != self.bottoms[0][2:]:  # a fully convolutional net on another size
            return Pooling(self.param, [tuple(bottoms[0].shape)]).forward(bottoms, blobs, train)
        g = self.geometry
        around = (g.pad[1], self.behind[1], g.pad[0], self.behind[0])
        if self.param.pooling_param.pool == MAX:
            padded = pad(bottoms[0], around, value=LOWEST) if any(around) else bottoms[0]
            return [max_pool2d(padded, g.kernel, g.stride)]
        mean = avg_pool2d(pad(bottoms[0], around), g.kernel, g.stride)
        factor = self.correction()
        return [mean if factor is None else mean * mean.new_tensor(factor)]

    def onnx(self, graph: OnnxGraph, bottoms: list[str], blobs: list[Array], tops: list[str]) -> None:
        g, name = self.geometry, self.param.name
        pads = (*g.pad, *self.behind)
        maximum = self.param.pooling_param.pool == MAX
        source = bottoms[0]
        # As a node of its own where runtimes disagree: uneven zeros of an average, and a last window
        # that holds nothing but padding.
        if any(pads) and (
            not maximum or any(b >= k for b, k in zip(self.behind, g.kernel, strict=True))
        ):
            value = LOWEST if maximum else 0
            source = graph.pad(bottoms[0], g.pad, self.behind, value, f"{name}/padded")
            pads = (0, 0, 0, 0)
        attributes = {"kernel_shape": g.kernel, "strides": g.stride, "pads": pads}
        if maximum and graph.any_size and self.rounds_up():
            upwards = {**attributes, "pads": (0, 0, 0, 0), "ceil_mode": 1}
            graph.node("MaxPool", bottoms, tops, upwards)
            return
        if maximum:
            graph.node("MaxPool", [source], tops, attributes)
            return
        factor = self.correction()
        mean = tops[0] if factor is None else graph.fresh(f"{name}/mean")
        # The padding is counted, and is none by now; ONNX Runtime up to 1.19 merges the Pad into this
        # node and would divide by the wrong number without it.
        graph.node("AveragePool", [source], [mean], {**attributes, "count_include_pad": 1})
        if factor is not None:
            graph.node("Mul", [mean, graph.constant(f"{name}/correction", factor)], tops)

    def opencv(self, param: caffe_pb2.LayerParameter) -> list[caffe_pb2.LayerParameter] | None:
        # OpenCV 4 always rounds up, looks at each axis by itself and has a maximum of its own for a
        # window without any pixel.
        g, sizes = self.geometry, self.bottoms[0][2:]
        alone = [
            pooled_size(sizes[i], i, replace(g, pad=(g.pad[i], g.pad[i])), floor=False) for i in (0, 1)
        ]
        param.pooling_param.ClearField("round_mode")
        fits = all(size + 2 * pad >= k for size, pad, k in zip(sizes, g.pad, g.kernel, strict=True))
        return [param] if alone == self.size and fits and self.whole() else None
