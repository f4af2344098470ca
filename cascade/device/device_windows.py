"""Windows of a whole batch as tensors: what `clean` and `similarity` compute, all on the device.

Arithmetic is float64, as there, and nothing waits for the device: no shape depends on a value.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ..windows.similarity import LARGEST
from ..windows.similarity_fit import COINCIDING, FURTHEST, LEAST, ROUNDS, TOLERANCE


@dataclass(frozen=True)
class Windows:
    """Windows of n faces; see `windows.Window` for what the numbers mean.

    `x`, `y`, `width`, `height`, `cos` and `sin` (of the angle) are (n) float64; where `seen` (n) is
    False there is nothing to look at, and the other numbers are those of some harmless window.
    """

    x: Tensor
    y: Tensor
    width: Tensor
    height: Tensor
    cos: Tensor
    sin: Tensor
    seen: Tensor

    def tensors(self) -> tuple[Tensor, ...]:
        """All of them, in order."""
        return self.x, self.y, self.width, self.height, self.cos, self.sin, self.seen

    def to(self, device: str) -> Windows:
        """The same windows on a device."""
        return Windows(*(tensor.to(device) for tensor in self.tensors()))

    @property
    def centre(self) -> tuple[Tensor, Tensor]:
        """X and y (n) in pixels."""
        return self.x + (self.width - 1) / 2, self.y + (self.height - 1) / 2


def picture(count: int, rows: float, columns: float, device: torch.device) -> Windows:
    """The whole picture, for each of `count` pictures of that size."""
    x, width, height, one = (
        torch.full((count,), value, dtype=torch.float64, device=device)
        for value in (0, columns, rows, 1)
    )
    seen = torch.ones(count, dtype=torch.bool, device=device)
    return Windows(x, x, width, height, one, x, seen)


def square(points: Tensor, corners: Sequence[int], k: float, rows: int, columns: int) -> Windows:
    """`clean.square` for points (n, points, 2): indices of around, a and b."""
    around, a, b = (points[:, index].double() for index in corners)
    side = k * torch.linalg.vector_norm(a - b, dim=-1)
    start = around - ((side - 1) / 2)[:, None]
    stop = start + side[:, None]
    (x, y), (right, bottom) = start.clamp(min=0).unbind(-1), stop.unbind(-1)
    width = (right.clamp(max=columns) - x).clamp(min=0)
    height = (bottom.clamp(max=rows) - y).clamp(min=0)
    seen = torch.isfinite(start).all(-1) & torch.isfinite(side) & (width >= 1) & (height >= 1)
    one, zero = torch.ones_like(side), torch.zeros_like(side)
    return _harmless(Windows(x, y, width, height, one, zero, seen))


def similarity(points: Tensor, shape: Tensor, upright: bool, rows: int, columns: int) -> Windows:
    """`SimilarityWindow` without patches for points (n, points, 2); `shape` (points, 2) float64."""
    numbers = (points.double().abs() < FURTHEST).all(-1).all(-1)
    centre, direction = fit(points.double(), shape, upright)
    scale = torch.linalg.vector_norm(direction, dim=-1)
    side = 2 * scale + 1
    (x, y), (cos, sin) = centre.unbind(-1), (direction / scale.clamp(min=1e-300)[:, None]).unbind(-1)
    cos = torch.where(scale > 0, cos, 1.0)  # of no direction: not turned
    near = (-side < x) & (x < columns + side) & (-side < y) & (y < rows + side)
    seen = numbers & (side >= 2) & (side <= LARGEST * max(rows, columns)) & near
    offset = (side - 1) / 2
    return _harmless(Windows(x - offset, y - offset, side, side, cos, sin, seen))


def patches(points: Tensor, window: Windows, part: float) -> Windows:
    """A window of that part of the side around each point (n, points, 2): n * points of them."""
    count = points.shape[1]
    side, cos, sin = (
        values[:, None].expand(-1, count).flatten()
        for values in (window.width * part, window.cos, window.sin)
    )
    seen = (window.seen & (window.width * part >= 2))[:, None].expand(-1, count).flatten()
    offset = (side - 1) / 2
    x, y = points.double().flatten(0, 1).unbind(-1)
    return _harmless(Windows(x - offset, y - offset, side, side, cos, sin, seen))


def fit(points: Tensor, shape: Tensor, upright: bool) -> tuple[Tensor, Tensor]:
    """`similarity.fit`: the centres (n, 2), and scale times (cos, sin) of the turn (n, 2)."""
    weights = torch.ones_like(points[..., 0])
    tolerance = TOLERANCE**2 * (shape - shape.mean(0)).square().sum(-1).mean()
    for left in range(ROUNDS, -1, -1):
        turn, q0, p0 = _weighted(points, shape, weights)
        if left:
            size = torch.linalg.vector_norm(turn, dim=-1)[:, None]
            fitted = p0[:, None] + _times(turn[:, None], shape - q0[:, None])
            residual = (points - fitted).square().sum(-1) / size.clamp(min=COINCIDING).square()
            better = LEAST + (1 + residual / tolerance) ** -2
            weights = torch.where(size < COINCIDING, weights, better)
    if not upright:
        turn = torch.stack((torch.linalg.vector_norm(turn, dim=-1), torch.zeros_like(turn[:, 0])), -1)
    return p0 - _times(turn, q0), turn


def _weighted(points: Tensor, shape: Tensor, weights: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Least squares of p = a q + b in complex numbers: a, and the means of q and of p, each (n, 2)."""
    share = (weights / weights.sum(-1, keepdim=True))[..., None]
    q0, p0 = (share * shape).sum(1), (share * points).sum(1)
    q, p = shape - q0[:, None], points - p0[:, None]
    spread = (share * q.square()).sum((1, 2))
    real = (share * q * p).sum((1, 2))
    imaginary = (share[..., 0] * (q[..., 0] * p[..., 1] - q[..., 1] * p[..., 0])).sum(1)
    return torch.stack((real, imaginary), -1) / spread[:, None], q0, p0


def _times(one: Tensor, other: Tensor) -> Tensor:
    """The product of complex numbers (..., 2)."""
    (a, b), (c, d) = one.unbind(-1), other.unbind(-1)
    return torch.stack((a * c - b * d, a * d + b * c), -1)


def _harmless(window: Windows) -> Windows:
    """The same, where nothing is seen with the numbers of a window at the picture's corner."""
    *numbers, _ = window.tensors()
    x, y, width, height, cos, sin = (
        torch.where(window.seen, values, default)
        for values, default in zip(numbers, (0.0, 0.0, 2.0, 2.0, 1.0, 0.0), strict=True)
    )
    return Windows(x, y, width, height, cos, sin, window.seen)
