"""Cuts windows out of a batch of pictures on the device: `clean.resample`, all at once.

Values are exact, then rounded to whole grey levels wherever OpenCV rounds, so that of OpenCV 5 they are
mostly the very same. Three things are apart: OpenCV 4 takes coordinates to 1/32 pixel; windows (not
whole pictures) halved three times or more are rounded after the first and the last, there after each;
and of a last block that reaches beyond the picture the last pixel is repeated, there the last half.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from ..windows.halves import LEFT, halvings
from .device_windows import Windows, picture


def linear(pictures: Tensor, windows: Windows, height: int, width: int) -> Tensor:
    """INTER_LINEAR of pictures (n, rows, columns, 3) uint8: (n, 3, height, width), whole grey levels.

    There may be k windows for each picture, one behind the other; n is then that of the windows.
    """
    x, y = positions(windows, height, width)
    rows, columns = pictures.shape[1:3]
    (left, across), (top, down) = _cell(x, columns - 1), _cell(y, rows - 1)
    left, top = left.long(), top.long()
    right, bottom = (left + 1).clamp(max=columns - 1), (top + 1).clamp(max=rows - 1)
    flat = pictures.flatten(1, 2)
    levels = [
        _taken(flat, row * columns + column)
        for row, column in ((top, left), (top, right), (bottom, left), (bottom, right))
    ]
    return _blended(levels, across, down, height, width)


def whole(pictures: Tensor, height: int, width: int) -> Tensor:
    """INTER_AREA of whole pictures, as `linear`; rounded after each halving, as in `clean`."""
    count, rows, columns, _ = pictures.shape
    nx, ny = halvings(columns / width), halvings(rows / height)
    both = min(nx, ny)
    for fx, fy in (*((2, 2),) * both, *((2, 1),) * (nx - both), *((1, 2),) * (ny - both)):
        pictures = _half(pictures, fx, fy)
    window = picture(count, rows / 2**ny, columns / 2**nx, pictures.device)
    return linear(pictures, window, height, width)


def _half(pictures: Tensor, fx: int, fy: int) -> Tensor:
    """The means of fy x fx pixels, which are 1 or 2, as OpenCV rounds them: by 2 x 2 halves go up."""
    for axis, factor in ((1, fy), (2, fx)):
        length = pictures.shape[axis]
        places = torch.arange(length + length % factor, device=pictures.device)
        pictures = pictures.index_select(axis, places.clamp(max=length - 1))
    count, rows, columns, _ = pictures.shape
    blocks = pictures.reshape(count, rows // fy, fy, columns // fx, fx, 3)
    sums = blocks.sum((2, 4), dtype=torch.int32)
    return (sums + 2) // 4 if fx == fy else (sums.float() / 2).round()


class Areas:
    """INTER_AREA: pictures of which the mean of any block of pixels is known.

    `pictures` (n, rows, columns, 3) uint8. Beyond a picture its edge is repeated, as far as windows
    reach that are shrunk by `factor` at most.
    """

    def __init__(self, pictures: Tensor, factor: int) -> None:
        self.rows, self.columns = pictures.shape[1:3]
        self.margin = 2 * factor
        for axis, length in ((1, self.rows), (2, self.columns)):
            # an even number of them, for pairs
            last = length + self.margin + length % 2
            places = torch.arange(-self.margin, last, device=pictures.device)
            pictures = pictures.index_select(axis, places.clamp(0, length - 1))
        plain = F.pad(_cumulated(pictures, 1), (0, 0, 1, 1, 1, 1))
        halved = F.pad(_cumulated(_halved(pictures), 2), (0, 0, 2, 0, 2, 0))
        self.stride, self.size = plain.shape[2], plain.shape[1] * plain.shape[2]
        self.sums = torch.cat((plain.flatten(1, 2), halved.flatten(1, 2)), 1)

    def sample(self, windows: Windows, height: int, width: int, turned: bool) -> Tensor:
        """As `linear`. `turned`: windows may be turned, and so have one factor for both axes."""
        across, down = blocks(windows, height, width, turned, self.rows, self.columns)
        x, y = positions(windows, height, width)
        columns, along = self._edges(across, x, self.columns)
        rows, below = self._edges(down, y, self.rows)
        even = ((across.factor % 2 == 0) & (down.factor % 2 == 0))[:, None]
        rows = [row * self.stride + even * self.size for row in rows]
        corners = [[_taken(self.sums, row + column) for column in columns] for row in rows]
        sums = [
            corners[r + 1][c + 1] - corners[r][c + 1] - corners[r + 1][c] + corners[r][c]
            for r in (0, 1)
            for c in (0, 1)
        ]
        fx, fy = (axis.factor[:, None, None] / (even[..., None] + 1) for axis in (across, down))
        means = [total.float() * (1 / (fx * fy).float()) for total in sums]
        # as OpenCV: by 2 x 2 halves go up, else to the even side
        upwards = (fx % 2 == 0) & (fy % 2 == 0)
        levels = [torch.where(upwards, (mean + 0.5).floor(), mean.round()) for mean in means]
        return _blended(levels, along, below, height, width)

    def _edges(self, axis: Blocks, position: Tensor, length: int) -> tuple[list[Tensor], Tensor]:
        """Edges, in the sums, of the two blocks between which a position (n, places) is, and where."""
        first, factor, count = (value[:, None] for value in (axis.first, axis.factor, axis.count))
        block, share = _cell((position + 0.5 - first) / factor - 0.5, count - 1)
        edges = [first + factor * (block + step) + self.margin for step in range(3)]
        return [edge.clamp(0, length + 2 * self.margin).long() for edge in edges], share


def _halved(pictures: Tensor) -> Tensor:
    """The mean of each pixel with its right and lower neighbours, rounded: OpenCV's by 2 x 2."""
    for axis in (1, 2):
        length = pictures.shape[axis]
        beside = torch.arange(1, length + 1, device=pictures.device).clamp(max=length - 1)
        pictures = pictures.to(torch.int16) + pictures.index_select(axis, beside)
    return (pictures + 2) // 4


def _cumulated(values: Tensor, step: int) -> Tensor:
    """Sums of all values above and to the left, of every `step`-th row and column; int32."""
    count, rows, columns, _ = values.shape
    cells = values.reshape(count, rows // step, step, columns // step, step, 3)
    sums = cells.cumsum(1, dtype=torch.int32).cumsum(3, dtype=torch.int32)
    return sums.reshape(count, rows, columns, 3)


@dataclass(frozen=True)
class Blocks:
    """The blocks of pixels that windows are shrunk by, on one axis: each (n) float64, whole numbers.

    `first`: where the first block starts, in pixels; `factor`: pixels of a block; `count`: blocks.
    """

    first: Tensor
    factor: Tensor
    count: Tensor


def blocks(
    windows: Windows, height: int, width: int, turned: bool, rows: int, columns: int
) -> tuple[Blocks, Blocks]:
    """Columns and rows of blocks, by the rule of `clean`, for a net's input of that size."""
    fx, fy = (_factor(size) for size in (windows.width / width, windows.height / height))
    if turned:
        fx = fy = torch.minimum(fx, fy)
    return _axis(fx, columns), _axis(fy, rows)


def _factor(scale: Tensor) -> Tensor:
    """Two to the power of `halvings`."""
    return torch.exp2((torch.frexp(scale * (2 / LEFT)).exponent - 1).clamp(min=0).double())


def _axis(factor: Tensor, length: int) -> Blocks:
    """The blocks that an axis of `length` pixels has; the last one may reach beyond it."""
    return Blocks(torch.zeros_like(factor), factor, (length / factor).ceil())


def positions(windows: Windows, height: int, width: int) -> tuple[Tensor, Tensor]:
    """X and y in the pictures of each pixel of a net's input: (n, height * width) each.

    `clean.sampling_matrix`: the outer edges of both pixel grids coincide.
    """
    across, down = (
        (torch.arange(count, device=windows.x.device, dtype=torch.float64) + 0.5) / count - 0.5
        for count in (width, height)
    )
    x0, y0 = (value[:, None, None] for value in windows.centre)
    cos, sin = windows.cos[:, None, None], windows.sin[:, None, None]
    along = windows.width[:, None, None] * across
    below = windows.height[:, None, None] * down[:, None]
    x, y = x0 + along * cos - below * sin, y0 + along * sin + below * cos
    return x.flatten(1), y.flatten(1)


def _cell(position: Tensor, last: Tensor | int) -> tuple[Tensor, Tensor]:
    """Between which two values, 0 to `last`, a position lies: the lower one, and how far from it.

    Beyond the first and the last one those are repeated.
    """
    position = position.clamp(min=0).clamp(max=last)
    low = position.floor().clamp(max=last - 1).clamp(min=0)
    return low, position - low


def _taken(flat: Tensor, index: Tensor) -> Tensor:
    """Rows (n, places, 3) of flat pictures, of which there may be fewer than n."""
    each = torch.arange(len(index), device=flat.device) // (len(index) // len(flat))
    return flat[each[:, None], index]


def _blended(levels: list[Tensor], across: Tensor, down: Tensor, height: int, width: int) -> Tensor:
    """Between four values (n, places, 3), rounded: (n, 3, height, width)."""
    across, down = across.float()[..., None], down.float()[..., None]
    a, b, c, d = (level.float() for level in levels)
    above, below = a + (b - a) * across, c + (d - c) * across
    values = (above + (below - above) * down).round()
    return values.reshape(len(values), height, width, 3).permute(0, 3, 1, 2)
