"""ShapeHeatmap: a picture of where the points of a shape are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .. import caffe_pb2
from ..blobs import Array, Shape
from .layer import Layer, register
from .similarity import expect_shape, product

if TYPE_CHECKING:
    import torch

    from ..onnx_graph import OnnxGraph

#: The square of a distance that is none: no point is seen there.
NOWHERE = 1e12
#: The square of the least distance, pixels: below it the root has no usable gradient.
LEAST = 1e-12


@register("ShapeHeatmap")
class ShapeHeatmap(Layer):
    """1 / (1 + pixels to the nearest point), N x 1 x `height` x `width`; 0 where no point is near.

    Near is the square of `half_size` pixels to each side of the pixel that a point lies in
    (`inclusive`: with the last row and column), everywhere if that is 0. `clamp` moves points so that
    their squares lie in the picture. protoface's own, after LandmarkImage of DAN (Kowalski, Naruniec,
    Trzcinski, CVPRW 2017).
    """

    notes = "protoface's own. OpenCV 4: by way of ONNX"

    def check(self) -> None:
        self.expect_bottoms(1)
        self.points = expect_shape(self, 0)
        options = self.param.shape_heatmap_param
        self.height, self.width, self.half = options.height, options.width, options.half_size
        if min(self.height, self.width) < 1:
            self.fail("needs a height and a width, pixels")
        self.last = self.half if options.inclusive else self.half - 1
        self.clamp = options.clamp and self.half > 0
        if self.clamp and min(self.height, self.width) < 2 * self.half + 1:
            self.fail(
                f"squares of half_size {self.half} do not fit in {self.height} x {self.width} pixels; "
                "take a smaller one, or clamp: false"
            )

    def tops(self) -> list[Shape]:
        return [(self.bottoms[0][0], 1, self.height, self.width)]

    def forward(
        self, bottoms: list[torch.Tensor], blobs: list[torch.Tensor], train: bool
    ) -> list[torch.Tensor]:
        points = bottoms[0].reshape(-1, self.points, 2)
        if self.clamp:
            ends = points.new_tensor([self.width, self.height]) - 1 - self.half
            points = points.clamp(points.new_tensor(float(self.half)), ends)
        squares = self._near(points) if self.half else self._everywhere(points)
        value = 1 / (1 + squares.clamp_min(LEAST).sqrt())
        return [value.where(squares < NOWHERE, 0).reshape(-1, 1, self.height, self.width)]

    def _near(self, points: torch.Tensor) -> torch.Tensor:
        """Squared distances (n, height * width) to the nearest point whose square reaches there."""
        import torch

        offsets = torch.arange(-self.half, self.last + 1)
        beyond = self.half + 2  # further out a square does not reach the picture either
        own = points.detach().nan_to_num().clamp(-beyond, max(self.height, self.width) + beyond).floor()
        columns, rows = (own.long()[..., None] + offsets).unbind(2)  # (n, points, offsets) each
        to_x, to_y = points.unbind(2)
        x = _squares(to_x, columns, self.width)
        y = _squares(to_y, rows, self.height)
        values = (y[..., None] + x[:, :, None]).flatten(1)
        down = rows.clamp(0, self.height - 1) * self.width
        places = down[..., None] + columns.clamp(0, self.width - 1)[:, :, None]
        empty = points.new_full((len(points), self.height * self.width), NOWHERE)
        return empty.scatter_reduce(1, places.flatten(1), values, "amin")

    def _everywhere(self, points: torch.Tensor) -> torch.Tensor:
        """The same with every point seen everywhere."""
        import torch

        rows, columns = (torch.arange(n).to(points) for n in (self.height, self.width))
        x, y = points[..., None].unbind(2)
        square = ((columns - x) ** 2)[:, :, None] + ((rows - y) ** 2)[..., None]
        return square.amin(1).flatten(1)

    def onnx(self, graph: OnnxGraph, bottoms: list[str], blobs: list[Array], tops: list[str]) -> None:
        name = self.param.name
        parts = [
            self._along(graph, bottoms[0], axis, size, f"{name}/{text}")
            for axis, size, text in ((0, self.width, "x"), (1, self.height, "y"))
        ]
        every = graph.apply("Add", parts, f"{name}/every")
        square = graph.least(every, 1, f"{name}/square")
        one = graph.number(f"{name}/one", 1)
        root = graph.apply("Sqrt", [square], f"{name}/distance")
        value = [one, graph.apply("Add", [root, one], f"{name}/divisor")]
        if not self.half:
            graph.node("Div", value, tops)
            return
        bound = graph.number(f"{name}/nowhere", NOWHERE / 2)
        near = graph.to_float(
            graph.apply("Less", [square, bound], f"{name}/less"), graph.fresh(f"{name}/near")
        )
        graph.node("Mul", [graph.apply("Div", value, f"{name}/value"), near], tops)

    def _along(self, graph: OnnxGraph, shape: str, axis: int, size: int, name: str) -> str:
        """Squared distances along one axis, more than NOWHERE where a point is not near.

        (n, points, 1, width) or (n, points, height, 1): both added are all.
        """
        choice = np.kron(np.eye(self.points), np.eye(2)[:, [axis]])
        place = product(graph, shape, choice, name)
        for operator, bound in (("Max", self.half), ("Min", size - 1 - self.half)):
            if self.clamp:
                limit = graph.number(f"{name}/{operator}", bound)
                place = graph.apply(operator, [place, limit], f"{name}/clamped")
        axes = [1, size] if axis == 0 else [size, 1]
        place = graph.reshape(place, [-1, self.points, 1, 1], graph.fresh(f"{name}/place"))
        grid = np.arange(size, dtype=np.float32).reshape(1, 1, *axes)
        off = graph.apply("Sub", [place, graph.constant(f"{name}/grid", grid)], f"{name}/off")
        square = graph.apply("Mul", [off, off], f"{name}/square")
        if not self.half:
            return square
        middle, reach = (self.last - self.half) / 2, (self.last + self.half) / 2 + 0.25
        own = graph.apply("Floor", [place], f"{name}/own")
        shifted = graph.constant(f"{name}/shifted", grid - np.float32(middle))
        away = graph.apply("Abs", [graph.apply("Sub", [own, shifted], f"{name}/from")], f"{name}/away")
        far = graph.apply("Greater", [away, graph.number(f"{name}/reach", reach)], f"{name}/far")
        far = graph.to_float(far, graph.fresh(f"{name}/beyond"))
        added = graph.apply("Mul", [far, graph.number(f"{name}/nowhere", NOWHERE)], f"{name}/added")
        return graph.apply("Add", [square, added], f"{name}/squares")

    def opencv(self, param: caffe_pb2.LayerParameter) -> list[caffe_pb2.LayerParameter] | None:
        return None


def _squares(place: torch.Tensor, pixels: torch.Tensor, size: int) -> torch.Tensor:
    """Squared distances of places (n, points) from pixels (n, points, m); NOWHERE off the picture."""
    square = (pixels - place[..., None]) ** 2
    return square.where((pixels >= 0) & (pixels < size) & ~square.isnan(), NOWHERE)
