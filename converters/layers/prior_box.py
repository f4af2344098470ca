"""PriorBox: the boxes of SSD around every pixel."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from .. import caffe_pb2
from ..blobs import Array, Shape
from .layer import Layer, register

if TYPE_CHECKING:
    import torch

    from ..onnx_graph import OnnxGraph


#: Of each pixel: SSD has one min_size and four ratios a layer.
MOST_SIZES = 50


@register("PriorBox")
class PriorBox(Layer):
    """Boxes around every pixel of a feature map, as parts of the picture, and their variances.

    Bottoms: features and picture, of which only the sizes count. Top: 1 x 2 x 4 * boxes: xmin, ymin,
    xmax, ymax of all boxes, then as many variances. Per pixel and `min_size`: a square of it, one of
    sqrt(min_size * max_size), then `min_size` in each `aspect_ratio`.
    Not in BVLC Caffe: from weiliu89/caffe (ssd), src/caffe/layers/prior_box_layer.cpp.
    """

    notes = (
        "not in BVLC Caffe; a constant in PyTorch and ONNX. "
        "OpenCV 4 by way of ONNX cannot give it out as an output"
    )

    batched = False

    def check(self) -> None:
        self.expect_bottoms(2)
        if any(len(bottom) != 4 for bottom in self.bottoms):
            self.fail("its bottoms must be N x C x H x W")
        options = self.param.prior_box_param
        # Caffe truncates them
        self.least = [float(int(size)) for size in options.min_size]
        self.most = [float(int(size)) for size in options.max_size]
        if not self.least or min(options.min_size) <= 0:
            self.fail("must give min_size above 0")
        if max(len(self.least), len(options.aspect_ratio)) > MOST_SIZES:
            self.fail(f"gives more than {MOST_SIZES} of min_size or aspect_ratio")
        if self.most and len(self.most) != len(self.least):
            self.fail(f"{len(self.most)} max_size for {len(self.least)} min_size")
        if any(most <= least for least, most in zip(options.min_size, options.max_size, strict=False)):
            self.fail("max_size must be greater than min_size")
        if len(options.variance) not in (0, 1, 4) or any(value <= 0 for value in options.variance):
            self.fail("variance must be one or four numbers above 0")
        self.picture = self._pair("img", self.bottoms[1][2:])
        features = self.bottoms[0][2:]
        self.step = self._pair("step", [p / f for p, f in zip(self.picture, features, strict=True)])

    def _pair(self, field: str, default: Sequence[float]) -> tuple[float, float]:
        """`<field>_h` and `<field>_w`, or one number for both, or what the bottoms say."""
        options = self.param.prior_box_param
        one = "img_size" if field == "img" else field
        if options.HasField(f"{field}_h") or options.HasField(f"{field}_w"):
            if options.HasField(one):
                self.fail(f"gives both {one} and {field}_h/{field}_w")
            pair = getattr(options, f"{field}_h"), getattr(options, f"{field}_w")
        elif options.HasField(one):
            pair = getattr(options, one), getattr(options, one)
        else:
            return default[0], default[1]
        if min(pair) <= 0:
            self.fail(f"{field} {pair} must be above 0")
        return pair

    def ratios(self) -> list[float]:
        """Width / height of the boxes besides the squares, each once."""
        options, ratios = self.param.prior_box_param, [1.0]
        for ratio in options.aspect_ratio:
            if all(abs(ratio - other) >= 1e-6 for other in ratios):
                ratios += [ratio, 1 / ratio] if options.flip else [ratio]
        return ratios[1:]

    def sizes(self) -> list[tuple[float, float]]:
        """Width and height, in pixels of the picture, of a pixel's boxes."""
        sizes, ratios = [], self.ratios()
        for index, least in enumerate(self.least):
            sizes.append((least, least))
            if self.most:
                sizes.append((math.sqrt(least * self.most[index]),) * 2)
            sizes += [(least * math.sqrt(r), least / math.sqrt(r)) for r in ratios]
        return sizes

    def tops(self) -> list[Shape]:
        height, width = self.bottoms[0][2:]
        return [(1, 2, height * width * len(self.sizes()) * 4)]

    def boxes(self) -> Array:
        """The top, float64."""
        options, (height, width) = self.param.prior_box_param, self.bottoms[0][2:]
        y = (np.arange(height) + options.offset) * self.step[0]
        x = (np.arange(width) + options.offset) * self.step[1]
        centres = np.stack(np.broadcast_arrays(x[None, :, None], y[:, None, None]), -1)
        half = np.array(self.sizes()) / 2
        boxes = np.concatenate([centres - half, centres + half], -1)
        boxes /= [self.picture[1], self.picture[0]] * 2
        if options.clip:
            boxes = boxes.clip(0, 1)
        variance = np.array(options.variance or [0.1], np.float32)
        return np.stack([boxes.ravel(), np.resize(variance, boxes.size)])[None]

    def forward(
        self, bottoms: list[torch.Tensor], blobs: list[torch.Tensor], train: bool
    ) -> list[torch.Tensor]:
        return [bottoms[0].new_tensor(self.boxes())]

    def onnx(self, graph: OnnxGraph, bottoms: list[str], blobs: list[Array], tops: list[str]) -> None:
        graph.copy(graph.constant(f"{self.param.name}/boxes", self.boxes()), tops)

    def opencv(self, param: caffe_pb2.LayerParameter) -> list[caffe_pb2.LayerParameter] | None:
        options = param.prior_box_param
        options.min_size[:], options.max_size[:] = self.least, self.most
        # OpenCV has no defaults, or others.
        options.flip, options.clip, options.offset = options.flip, options.clip, options.offset
        options.variance[:] = options.variance or [0.1]
        options.ClearField("step")
        options.step_h, options.step_w = self.step
        # It divides by the second bottom's size whatever `img_size` says.
        return [param] if self.picture == self.bottoms[1][2:] else None
