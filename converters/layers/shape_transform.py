"""ShapeTransform: points moved by a similarity, or back by its inverse."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .. import caffe_pb2
from ..blobs import Array
from .layer import Layer, register
from .similarity import Matrix, expect_shape, expect_similarity, inverted, onnx_inverse, picked, product

if TYPE_CHECKING:
    import torch

    from ..onnx_graph import OnnxGraph


@register("ShapeTransform")
class ShapeTransform(Layer):
    """The points of the first bottom moved by the similarity of the second, `inverse`: moved back.

    p A + t, or (p - t) A^-1 in closed form. protoface's own, after LandmarkTransform of DAN
    (Kowalski, Naruniec, Trzcinski, CVPRW 2017).
    """

    notes = "protoface's own. OpenCV 4: by way of ONNX"

    def check(self) -> None:
        self.expect_bottoms(2)
        self.points = expect_shape(self, 0)
        expect_similarity(self, 1)
        self.inverse = self.param.shape_transform_param.inverse

    def forward(
        self, bottoms: list[torch.Tensor], blobs: list[torch.Tensor], train: bool
    ) -> list[torch.Tensor]:
        points, similarity = bottoms[0].reshape(-1, self.points, 2), bottoms[1]
        if self.inverse:
            back, shift = inverted(similarity)
            moved = (points - shift) @ back
        else:
            moved = points @ similarity[:, :4].reshape(-1, 2, 2) + similarity[:, None, 4:]
        return [moved.reshape(bottoms[0].shape)]

    def onnx(self, graph: OnnxGraph, bottoms: list[str], blobs: list[Array], tops: list[str]) -> None:
        name, (shape, similarity) = self.param.name, bottoms
        shift = product(graph, similarity, self._each(picked((4, 1), (5, 1))), f"{name}/shift")
        if not self.inverse:
            matrix = product(graph, similarity, picked((0, 1), (2, 1), (1, 1), (3, 1)), f"{name}/turn")
            turned = self._turned(graph, shape, matrix)
            graph.node("Add", [turned, shift], tops)
            return
        off = graph.apply("Sub", [shape, shift], f"{name}/off")
        turned = self._turned(graph, off, onnx_inverse(graph, similarity, name))
        graph.copy(turned, tops)

    def _turned(self, graph: OnnxGraph, shape: str, matrix: str) -> str:
        """A shape times `matrix`: (n, 4), [0, 0], [1, 0], [0, 1] and [1, 1] of each A; returns it."""
        name, straight = self.param.name, np.array([[1, 0], [0, 0], [0, 0], [0, 1]])
        across = np.array([[0, 0], [1, 0], [0, 1], [0, 0]])
        swap = np.kron(np.eye(self.points), [[0, 1], [1, 0]])
        parts = [
            graph.apply("Mul", [one, product(graph, matrix, self._each(which), f"{name}/by")], name)
            for one, which in (
                (shape, straight),
                (product(graph, shape, swap, f"{name}/swapped"), across),
            )
        ]
        return graph.apply("Add", parts, f"{name}/turned")

    def _each(self, matrix: Matrix | Array) -> Matrix:
        """What makes x and y, repeated for every point."""
        return np.tile(matrix, (1, self.points))

    def opencv(self, param: caffe_pb2.LayerParameter) -> list[caffe_pb2.LayerParameter] | None:
        return None
