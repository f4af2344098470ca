"""Shapes and similarities as blobs: what the layers of the Deep Alignment Network have in common.

A shape is a row x1 y1 x2 y2 ... in pixels, blob (n, 2 points). A similarity is a row of six numbers,
blob (n, 6): A row by row, then t, so that a point becomes p A + t (p a row; a scale and a turn make
A = [[a, b], [-b, a]]). Everything is written to ONNX as products of matrices of two axes, which every
runtime computes alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .layer import Layer

if TYPE_CHECKING:
    import torch

    from ..onnx_graph import OnnxGraph

#: Numbers of a similarity.
NUMBERS = 6
Matrix = NDArray[Any]


def expect_shape(layer: Layer, index: int) -> int:
    """The number of points of a bottom that is a shape; the layer fails if it is none."""
    shape = layer.bottoms[index]
    if len(shape) != 2 or shape[1] < 2 or shape[1] % 2:
        layer.fail(f"its bottom {list(shape)} is no shape: N x (x1 y1 x2 y2 ...)")
    return shape[1] // 2


def expect_similarity(layer: Layer, index: int) -> None:
    """Fail unless a bottom is a similarity for each shape or picture of the first one."""
    shape = layer.bottoms[index]
    if shape != (layer.bottoms[0][0], NUMBERS):
        layer.fail(f"its bottom {list(shape)} is not N x {NUMBERS}, as a SimilarityFit gives it")


def given_shape(layer: Layer, numbers: Sequence[float], points: int) -> NDArray[np.float64]:
    """The points (n, 2) of a parameter; the layer fails unless there are so many, all finite."""
    shape = np.array(numbers, np.float64)
    if len(shape) != 2 * points or not np.isfinite(shape).all():
        layer.fail(f"has a shape of {len(shape)} numbers, it needs {2 * points} finite ones")
    return shape.reshape(-1, 2)


def inverted(similarity: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The inverse of A (n, 2, 2) and t (n, 1, 2) of similarities (n, 6): a point is (p - t) A^-1."""
    import torch

    p00, p01, p10, p11 = similarity[:, :4].unbind(1)
    adjoint = torch.stack((p11, -p01, -p10, p00), 1)
    inverse = adjoint / (p00 * p11 - p01 * p10)[:, None]
    return inverse.reshape(-1, 2, 2), similarity[:, None, 4:]


def product(graph: OnnxGraph, source: str, matrix: Matrix, name: str) -> str:
    """Append a matrix product with a constant and return its output, called `name`."""
    constant = graph.constant(f"{name}/matrix", matrix.astype(np.float32))
    return graph.apply("MatMul", [source, constant], name)


def picked(*columns: tuple[int, float]) -> Matrix:
    """The matrix (6, n) that makes of a similarity its numbers, each times a sign: (number, sign)."""
    matrix = np.zeros((NUMBERS, len(columns)), np.float32)
    for column, (number, sign) in enumerate(columns):
        matrix[number, column] = sign
    return matrix


def onnx_inverse(graph: OnnxGraph, similarity: str, name: str) -> str:
    """Append the inverse of A: (n, 4) with A^-1[0, 0], [1, 0], [0, 1], [1, 1]; returns its name."""
    one = product(graph, similarity, picked((0, 1), (1, 1)), f"{name}/row")
    other = product(graph, similarity, picked((3, 1), (2, -1)), f"{name}/minors")
    both = graph.apply("Mul", [one, other], f"{name}/terms")
    determinant = product(graph, both, np.ones((2, 1), np.float32), f"{name}/determinant")
    adjoint = product(graph, similarity, picked((3, 1), (2, -1), (1, -1), (0, 1)), f"{name}/adjoint")
    return graph.apply("Div", [adjoint, determinant], f"{name}/inverse")
