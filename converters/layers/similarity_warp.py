"""SimilarityWarp: a picture moved by a similarity."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from .. import caffe_pb2
from ..blobs import Array, Shape
from .layer import Layer, register
from .similarity import Matrix, expect_similarity, inverted, onnx_inverse, picked, product

if TYPE_CHECKING:
    import torch

    from ..onnx_graph import OnnxGraph

#: ONNX's GridSample came with this version of its operators; a later one renamed its modes.
FIRST_OPSET, RENAMED = 16, 20


@register("SimilarityWarp")
class SimilarityWarp(Layer):
    """The picture moved by the similarity of the second bottom, bilinear; beyond it its edge repeats.

    Pixel q of the top, `height` x `width` of them, is what the first bottom shows at (q - t) A^-1.
    protoface's own, after AffineTransform of DAN (Kowalski, Naruniec, Trzcinski, CVPRW 2017), which
    repeats the last row and column but one.
    """

    notes = "protoface's own. ONNX from opset 16 on (GridSample), which OpenCV 4 does not run"

    def check(self) -> None:
        self.expect_bottoms(2)
        shape, options = self.bottoms[0], self.param.similarity_warp_param
        if len(shape) != 4 or min(shape[2:]) < 2:
            self.fail(f"its bottom {list(shape)} is not N x C x H x W of at least 2 x 2 pixels")
        expect_similarity(self, 1)
        if options.HasField("height") != options.HasField("width"):
            self.fail("give both height and width, or neither")
        self.height, self.width = (
            (options.height, options.width) if options.HasField("height") else shape[2:]
        )
        if min(self.height, self.width) < 1:
            self.fail(f"its top would be {self.height} x {self.width} pixels large")

    def tops(self) -> list[Shape]:
        return [(*self.bottoms[0][:2], self.height, self.width)]

    def forward(
        self, bottoms: list[torch.Tensor], blobs: list[torch.Tensor], train: bool
    ) -> list[torch.Tensor]:
        import torch
        from torch.nn.functional import grid_sample

        picture, (back, shift) = bottoms[0], inverted(bottoms[1])
        rows, columns = (torch.arange(n).to(picture) for n in (self.height, self.width))
        down, across = torch.meshgrid(rows, columns, indexing="ij")
        places = (torch.stack((across, down), -1).reshape(1, -1, 2) - shift) @ back
        last = picture.new_tensor([self.bottoms[0][3] - 1, self.bottoms[0][2] - 1])
        grid = (places * (2 / last) - 1).reshape(-1, self.height, self.width, 2)
        return [grid_sample(picture, grid, padding_mode="border", align_corners=True)]

    def onnx(self, graph: OnnxGraph, bottoms: list[str], blobs: list[Array], tops: list[str]) -> None:
        if graph.opset < FIRST_OPSET:
            self.fail(
                f"ONNX opset {graph.opset} has no GridSample; take --opset {FIRST_OPSET} or more, or a "
                "net for each stage of a cascade"
            )
        mode = "linear" if graph.opset >= RENAMED else "bilinear"
        attributes = {"mode": mode, "padding_mode": "border", "align_corners": 1}
        graph.node("GridSample", [bottoms[0], self._grid(graph, bottoms[1])], tops, attributes)

    def _grid(self, graph: OnnxGraph, similarity: str) -> str:
        """Where the top's pixels are in the bottom, -1 to 1 from its first pixel to its last one.

        (n, height, width, 2): a part that depends on the column, and one that depends on the row.
        """
        name = self.param.name
        inverse = onnx_inverse(graph, similarity, name)
        columns, rows = np.arange(self.width), np.arange(self.height)
        by_column = product(graph, inverse, self._scaled([columns, 0, 0, 0], [0, 0, columns, 0]), name)
        by_row = product(graph, inverse, self._scaled([0, rows, 0, 0], [0, 0, 0, rows]), name)
        both = product(graph, similarity, picked((4, -1), (5, -1), (4, -1), (5, -1)), f"{name}/back")
        terms = graph.apply("Mul", [both, inverse], f"{name}/terms")
        start = product(graph, terms, self._scaled([1, 1, 0, 0], [0, 0, 1, 1]), f"{name}/start")
        first = graph.apply("Sub", [start, graph.number(f"{name}/one", 1)], f"{name}/first")
        parts = [
            graph.reshape(by_column, [-1, 1, self.width, 2], graph.fresh(f"{name}/columns")),
            graph.reshape(by_row, [-1, self.height, 1, 2], graph.fresh(f"{name}/rows")),
        ]
        first = graph.reshape(first, [-1, 1, 1, 2], graph.fresh(f"{name}/from"))
        return graph.apply("Add", [graph.apply("Add", parts, name), first], f"{name}/grid")

    def _scaled(self, x: Sequence[Matrix | int], y: Sequence[Matrix | int]) -> Matrix:
        """The matrix (4, 2 n) that makes n pairs x, y of an inverse; each row as given, in -1 .. 1."""
        rows, columns = self.bottoms[0][2:]
        count = max(np.size(one) for one in (*x, *y))
        pairs = [
            np.stack((np.broadcast_to(to_x, count), np.broadcast_to(to_y, count)), 1)
            for to_x, to_y in zip(x, y, strict=True)
        ]
        scaled = np.array(pairs) * (2 / (columns - 1), 2 / (rows - 1))
        return scaled.reshape(4, -1).astype(np.float32)

    def opencv(self, param: caffe_pb2.LayerParameter) -> list[caffe_pb2.LayerParameter] | None:
        return None
