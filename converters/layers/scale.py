"""Scale: the product with a learned (or second) blob, and a bias: gamma and beta of a BatchNorm."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from .. import caffe_pb2
from ..blobs import Array, Shape, to_array, to_blob
from .layer import BlobSpec, Layer, keep_axes, register

if TYPE_CHECKING:
    import torch

    from ..onnx_graph import OnnxGraph

ONE = caffe_pb2.FillerParameter(type="constant", value=1)


class AlongAxes(Layer):
    """What Scale and Bias share: a blob, or a second bottom, laid along some axes of the bottom."""

    def options(self) -> caffe_pb2.ScaleParameter | caffe_pb2.BiasParameter:
        """The message that gives `axis` and `num_axes`."""
        raise NotImplementedError

    def check(self) -> None:
        if len(self.bottoms) not in (1, 2):
            self.fail(f"has {len(self.bottoms)} bottoms, Caffe takes 1 or 2")
        options, bottom = self.options(), self.bottoms[0]
        if len(self.bottoms) == 2:
            self.shape = self.bottoms[1]
            self.start = self.axis(options.axis) if self.shape else 0
        else:
            self.start = self.axis(options.axis) if options.num_axes else 0
            stop = len(bottom) if options.num_axes == -1 else self.start + options.num_axes
            self.shape = bottom[self.start : stop]
            if options.num_axes < -1 or stop > len(bottom):
                self.fail(f"num_axes {options.num_axes} from axis {self.start} exceeds {list(bottom)}")
        trailing = len(bottom) - self.start - len(self.shape)
        if trailing < 0 or bottom[self.start : self.start + len(self.shape)] != self.shape:
            self.fail(
                f"a factor of shape {list(self.shape)} does not fit {list(bottom)} at {self.start}"
            )
        #: The factor's shape with ones behind it, so that it broadcasts against the bottom.
        self.broadcast: Shape = (*self.shape, *(1,) * trailing) if self.shape else ()

    def factor_shape(self, actual: Shape) -> Shape:
        """The factor's broadcast shape; a second bottom may carry another batch size than declared."""
        return (*actual, *self.broadcast[len(actual) :])

    def second_bottom(self, graph: OnnxGraph, bottoms: list[str]) -> str:
        """Name of the second bottom in the shape that broadcasts."""
        ones = len(self.broadcast) - len(self.shape)
        if not ones:
            return bottoms[1]
        # -1, so that the batch size stays free; OpenCV 4 cannot keep axes by 0 here
        first = self.shape[:1] if self.start else (-1,) * bool(self.shape)
        target = [*first, *self.shape[1:], *(1 for _ in range(ones))]
        return graph.reshape(bottoms[1], target, graph.fresh(f"{self.param.name}/factor"))

    def spread(self, param: caffe_pb2.LayerParameter) -> bool:
        """Let the blobs of `param`, each one number for all, be one per channel: OpenCV wants an axis.

        False if there are no channels.
        """
        if len(self.bottoms[0]) < 2:
            return False
        for blob in param.blobs:
            number = to_array(blob, param.name).reshape(-1)
            blob.CopyFrom(to_blob(number.repeat(self.bottoms[0][1])))
        return True

    def unmerged(self, param: caffe_pb2.LayerParameter) -> list[caffe_pb2.LayerParameter]:
        """A Scale with blobs, kept apart from the layer before it unless it has a number per channel.

        OpenCV merges any Scale as if it had: it stops, or is wrong.
        """
        if not self.shape or (self.start == 1 and len(self.shape) == 1):
            return [param]
        between = keep_axes(param.bottom[0], f"{param.top[0]}/unmerged", len(self.bottoms[0]))
        param.bottom[:] = between.top
        return [between, param]


@register("Scale")
class Scale(AlongAxes):
    """Product with a blob along some axes, plus a bias (`bias_term`); the factor may be a bottom.

    Blobs: gamma, shaped as `num_axes` axes of the bottom from `axis` on (absent with two bottoms),
    then beta of the same shape. Source: Caffe, src/caffe/layers/scale_layer.cpp and bias_layer.cpp.
    """

    notes = "OpenCV 4: two bottoms and a bias by way of ONNX"

    def options(self) -> caffe_pb2.ScaleParameter:
        return self.param.scale_param

    def blobs(self) -> list[BlobSpec]:
        options = self.param.scale_param
        # Caffe's default filler for gamma is 1, not the message's 0.
        filler = options.filler if options.HasField("filler") else ONE
        specs = [BlobSpec(self.shape, filler)] if len(self.bottoms) == 1 else []
        if options.bias_term:
            specs.append(BlobSpec(self.shape, options.bias_filler))
        return specs

    def forward(
        self, bottoms: list[torch.Tensor], blobs: list[torch.Tensor], train: bool
    ) -> list[torch.Tensor]:
        factor, *bias = [*bottoms[1:], *blobs]
        y = bottoms[0] * factor.reshape(self.factor_shape(factor.shape))
        return [y + bias[0].reshape(self.broadcast) if bias else y]

    def onnx(self, graph: OnnxGraph, bottoms: list[str], blobs: list[Array], tops: list[str]) -> None:
        name, values = self.param.name, [blob.reshape(self.broadcast) for blob in blobs]
        if len(bottoms) == 2:
            factor = self.second_bottom(graph, bottoms)
        else:
            factor = graph.constant(f"{name}.0", values.pop(0))
        product = graph.fresh(f"{name}/product") if values else tops[0]
        graph.node("Mul", [bottoms[0], factor], [product])
        if values:
            index = len(blobs) - 1
            graph.node("Add", [product, graph.constant(f"{name}.{index}", values[0])], tops)

    def opencv(self, param: caffe_pb2.LayerParameter) -> list[caffe_pb2.LayerParameter] | None:
        options = param.scale_param
        options.axis = self.start
        if len(self.bottoms) == 2 and (options.bias_term or not self.shape):
            return None  # OpenCV forgets the bias then
        if not self.shape:  # one number for all: OpenCV wants an axis
            if not self.spread(param):
                return None
            options.axis = options.num_axes = 1
        return self.unmerged(param) if len(self.bottoms) == 1 else [param]

    def multiply_adds(self) -> int:
        # A Scale behind a BatchNorm is folded away at deployment; the published count leaves it out.
        return 0 if len(self.bottoms) == 1 else math.prod(self.bottoms[0])
