"""INTER_AREA on a GPU in one kernel: `device_resample.Areas` without the sums of whole pictures.

Each pixel of a net's input adds up its own four blocks, so that only what windows show is read. Needs
Triton, which PyTorch's builds for CUDA bring; with TRITON_INTERPRET=1 it runs on a CPU, for tests.
"""

# mypy: disable-error-code="untyped-decorator, no-untyped-def"
from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

from .device_resample import blocks
from .device_windows import Windows

#: Pixels of the net's input that one program makes.
PIXELS = 128


def area(pictures: Tensor, windows: Windows, height: int, width: int, turned: bool) -> Tensor:
    """As `Areas(pictures, ...).sample`."""
    count, rows, columns, _ = pictures.shape
    across, down = blocks(windows, height, width, turned, rows, columns)
    numbers = torch.stack(
        (
            *windows.centre, windows.width, windows.height, windows.cos, windows.sin,
            across.first, across.factor, across.count, down.first, down.factor, down.count,
        ),
        -1,
    )  # fmt: skip
    total = len(numbers)
    values = torch.empty((total, 3, height, width), dtype=torch.float32, device=pictures.device)
    grid = (total, triton.cdiv(height * width, PIXELS))
    _area[grid](
        pictures.contiguous(), numbers, values, rows, columns, height, width, total // count, PIXELS
    )
    return values


@triton.jit
def _area(pictures, numbers, values, rows, columns, height, width, each, pixels: tl.constexpr):
    """One window's pixels: `numbers` (windows, 12) as `area` stacks them, `each` windows a picture."""
    window = tl.program_id(0).to(tl.int64)
    pixel = tl.program_id(1) * pixels + tl.arange(0, pixels)
    there = pixel < height * width
    own = numbers + window * 12
    cos, sin = tl.load(own + 4), tl.load(own + 5)
    along = tl.load(own + 2) * (((pixel % width).to(tl.float64) + 0.5) / width - 0.5)
    below = tl.load(own + 3) * (((pixel // width).to(tl.float64) + 0.5) / height - 0.5)
    x = tl.load(own) + along * cos - below * sin
    y = tl.load(own + 1) + along * sin + below * cos
    left, across, fx = _cell(x, own + 6)
    top, down, fy = _cell(y, own + 9)
    picture = pictures + (window // each) * rows * columns * 3
    for channel in tl.static_range(3):
        a = _mean(picture + channel, left, top, fx, fy, rows, columns, there)
        b = _mean(picture + channel, left + fx, top, fx, fy, rows, columns, there)
        c = _mean(picture + channel, left, top + fy, fx, fy, rows, columns, there)
        d = _mean(picture + channel, left + fx, top + fy, fx, fy, rows, columns, there)
        above, under = a + (b - a) * across, c + (d - c) * across
        place = values + (window * 3 + channel) * height * width + pixel
        tl.store(place, _rounded(above + (under - above) * down), mask=there)


@triton.jit
def _cell(position, axis):
    """First pixel of the lower block, how far the position is from it (0..1), pixels of a block."""
    first, factor, count = tl.load(axis), tl.load(axis + 1), tl.load(axis + 2)
    along = (position + 0.5 - first) / factor - 0.5
    along = tl.minimum(tl.maximum(along, 0.0), count - 1)
    block = tl.maximum(tl.minimum(tl.floor(along), count - 2), 0.0)
    start = (first + factor * block).to(tl.int32)
    return start, (along - block).to(tl.float32), factor.to(tl.int32)


@triton.jit
def _mean(picture, left, top, fx, fy, rows, columns, there):
    """The rounded means of blocks of fy x fx pixels, by 2 x 2 first where OpenCV does it."""
    halves = ((fx % 2 == 0) & (fy % 2 == 0)).to(tl.int32)
    nx, ny = fx >> halves, fy >> halves
    total = tl.zeros_like(left)
    for row in range(0, ny):
        y = top + (row << halves)
        for column in range(0, nx):
            x = left + (column << halves)
            cell = _pixel(picture, x, y, rows, columns, there)
            if halves:
                cell += _pixel(picture, x + 1, y, rows, columns, there)
                cell += _pixel(picture, x, y + 1, rows, columns, there)
                cell += _pixel(picture, x + 1, y + 1, rows, columns, there)
                cell = (cell + 2) >> 2
            total += cell
    mean = total.to(tl.float32) * (1 / (nx * ny).to(tl.float32))
    # as OpenCV: by 2 x 2 halves go up, else to the even side
    return tl.where((nx % 2 == 0) & (ny % 2 == 0), tl.floor(mean + 0.5), _rounded(mean))


@triton.jit
def _pixel(picture, x, y, rows, columns, there):
    """Values of one channel; beyond the picture its edge is repeated."""
    line = tl.minimum(tl.maximum(y, 0), rows - 1) * columns
    place = line + tl.minimum(tl.maximum(x, 0), columns - 1)
    return tl.load(picture + place * 3, mask=there, other=0).to(tl.int32)


@triton.jit
def _rounded(value):
    """To the nearest whole number, halves to the even one."""
    near = tl.floor(value + 0.5)
    odd = near - 2 * tl.floor(near / 2)
    return tl.where(near - value == 0.5, near - odd, near)
