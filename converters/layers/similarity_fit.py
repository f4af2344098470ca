"""SimilarityFit: the similarity that carries a shape to a given one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .. import caffe_pb2
from ..blobs import Array, Shape
from .layer import Layer, register
from .similarity import NUMBERS, expect_shape, given_shape, product

if TYPE_CHECKING:
    import torch

    from ..onnx_graph import OnnxGraph


@register("SimilarityFit")
class SimilarityFit(Layer):
    """The shift, turn and one scale that carry the bottom's points to `shape`, least squares: N x 6.

    With both centred, s and d: a = sum(s . d) / |s|^2, b = sum(s_x d_y - s_y d_x) / |s|^2. The top is
    a b -b a, then the shift; see `similarity.py`. Points that all coincide give NaN. protoface's own,
    after TransformParams of DAN (Kowalski, Naruniec, Trzcinski, CVPRW 2017).
    """

    notes = "protoface's own. OpenCV 4: by way of ONNX"

    def check(self) -> None:
        self.expect_bottoms(1)
        self.points = expect_shape(self, 0)
        shape = given_shape(self, self.param.similarity_fit_param.shape, self.points)
        self.mean = shape.mean(axis=0)
        self.centred = shape - self.mean
        if not self.centred.any():
            self.fail("the points of its shape are all in one place")

    def tops(self) -> list[Shape]:
        return [(self.bottoms[0][0], NUMBERS)]

    def forward(
        self, bottoms: list[torch.Tensor], blobs: list[torch.Tensor], train: bool
    ) -> list[torch.Tensor]:
        import torch

        points = bottoms[0].reshape(-1, self.points, 2)
        centre = points.mean(1)
        x, y = (points - centre[:, None]).unbind(2)
        to_x, to_y = points.new_tensor(self.centred).unbind(1)
        size = (x * x + y * y).sum(1)
        a = (x * to_x + y * to_y).sum(1) / size
        b = (x * to_y - y * to_x).sum(1) / size
        shift_x = self.mean[0] - centre[:, 0] * a + centre[:, 1] * b
        shift_y = self.mean[1] - centre[:, 0] * b - centre[:, 1] * a
        return [torch.stack((a, b, -b, a, shift_x, shift_y), 1)]

    def onnx(self, graph: OnnxGraph, bottoms: list[str], blobs: list[Array], tops: list[str]) -> None:
        name, (shape,), count = self.param.name, bottoms, self.points
        # of the six numbers: a b -b a 0 0; what of the centre is taken off the shift, in four products
        turned = np.array([[1, 0, 0, 1, 0, 0], [0, 1, -1, 0, 0, 0]])
        average = np.tile(np.eye(2), (count, 1)) / count
        both = product(graph, self._turn(graph, shape, average), turned, f"{name}/turn")
        centre = product(graph, shape, average @ [[1, 0, 1, 0], [0, 1, 0, 1]], f"{name}/centre")
        pairs = product(graph, both, np.eye(6)[:, [0, 2, 1, 3]], f"{name}/pairs")
        terms = graph.apply("Mul", [centre, pairs], f"{name}/terms")
        off = -np.eye(6)[[4, 4, 5, 5]]
        moved = graph.apply("Add", [both, product(graph, terms, off, f"{name}/off")], f"{name}/moved")
        to = graph.constant(f"{name}/to", np.array([[0, 0, 0, 0, *self.mean]], np.float32))
        graph.node("Add", [moved, to], tops)

    def _turn(self, graph: OnnxGraph, shape: str, average: Array) -> str:
        """The numbers a and b (n, 2)."""
        name, d = self.param.name, self.centred
        centring = np.eye(2 * self.points) - average @ np.tile(np.eye(2), (1, self.points))
        s = product(graph, shape, centring, f"{name}/centred")
        along = np.stack((d.ravel(), np.stack((d[:, 1], -d[:, 0]), 1).ravel()), 1)
        square = graph.apply("Mul", [s, s], f"{name}/squares")
        size = product(graph, square, np.ones((2 * self.points, 1)), f"{name}/size")
        return graph.apply("Div", [product(graph, s, along, f"{name}/along"), size], f"{name}/ab")

    def opencv(self, param: caffe_pb2.LayerParameter) -> list[caffe_pb2.LayerParameter] | None:
        return None
