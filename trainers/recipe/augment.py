"""Random changes of what a net is trained on: where its window lies, and the values of its pixels."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from protoface.cascade.windows.window import Image, Window

from . import recipe_pb2

Augment = recipe_pb2.AugmentParameter
Generator = np.random.Generator
Numbers = NDArray[np.float64]
LOWEST_QUALITY, HIGHEST_QUALITY = 20, 90
SMALLEST_OCCLUSION = 0.1


@dataclass(frozen=True, eq=False)
class Moves:
    """Random changes of n windows, and which of their pictures are mirrored.

    `shift` (n, 2) is in sides of the window, `scale` (n) a factor, `turn` (n) in degrees, clockwise.
    """

    shift: Numbers
    scale: Numbers
    turn: Numbers
    mirror: NDArray[np.bool_]

    def window(self, index: int, window: Window) -> Window:
        """A window as the `index`-th change leaves it; patches are shifted together, turned each."""
        shift, scale, turn = self.shift[index], float(self.scale[index]), float(self.turn[index])
        if scale == 1 and turn == 0 and not shift.any():
            return window
        x, y = float(shift[0]) * window.width, float(shift[1]) * window.height
        patches = tuple(_moved(patch, x, y, scale, turn) for patch in window.patches)
        return replace(_moved(window, x, y, scale, turn), patches=patches)


def draw_moves(augment: Augment, generator: Generator, count: int) -> Moves:
    """Changes for `count` windows."""
    return Moves(
        generator.normal(0, augment.shift, (count, 2)),
        np.exp(generator.normal(0, augment.scale, count)),
        generator.normal(0, augment.rotation, count),
        generator.random(count) < augment.flip,
    )


def _moved(window: Window, x: float, y: float, scale: float, turn: float) -> Window:
    width, height = window.width * scale, window.height * scale
    cx, cy = window.centre
    return Window(
        cx + x - (width - 1) / 2, cy + y - (height - 1) / 2, width, height, window.angle + turn
    )


def as_jpeg(picture: Image, generator: Generator) -> Image:
    """A picture (h, w, 3) as it looks after JPEG of a random quality."""
    quality = int(generator.integers(LOWEST_QUALITY, HIGHEST_QUALITY + 1))
    data = cv2.imencode(".jpg", picture, (cv2.IMWRITE_JPEG_QUALITY, quality))[1]
    return cv2.imdecode(data, cv2.IMREAD_COLOR)  # type: ignore[return-value]


def change_pixels(augment: Augment, pictures: Tensor, generator: Generator) -> Tensor:
    """Pictures (n, h, w, 3 or 3 for each patch) of 0 .. 255, float32, changed; may be done in place.

    All patches of a face are changed alike, but for the noise.
    """
    count = len(pictures)
    normal = torch.from_numpy(generator.normal(size=(5, count)).astype(np.float32))
    chance = torch.from_numpy(generator.random((3, count)))
    pictures = _change_colors(augment, pictures, normal)
    _to_gray(pictures, chance[0] < augment.gray)
    _blur(pictures, chance[1] < augment.blur)
    for index in np.flatnonzero(generator.random(count) < augment.occlusion):
        _occlude(pictures[index], augment.occlusion_size, generator)
    if augment.noise:
        own = torch.Generator().manual_seed(int(generator.integers(2**63)))
        noise = torch.randn(pictures.shape, generator=own)
        pictures = torch.addcmul(
            pictures, noise, chance[2].float()[:, None, None, None] * augment.noise
        )
    return pictures.clamp_(0, 255)


def _change_colors(augment: Augment, pictures: Tensor, normal: Tensor) -> Tensor:
    """Pixels as gain * (contrast * (x - mean) + mean + brightness), gains by colour; normal (5, n)."""
    contrast = torch.exp(normal[0] * augment.contrast)
    mean = pictures.mean((1, 2, 3))
    offset = mean * (1 - contrast) + normal[1] * augment.brightness
    gain = torch.exp(normal[2:5] * augment.color).T.repeat(1, pictures.shape[3] // 3)
    scale, offset = (gain * value[:, None] for value in (contrast, offset))
    return torch.addcmul(offset[:, None, None], pictures, scale[:, None, None])


def _to_gray(pictures: Tensor, which: Tensor) -> None:
    if which.any():
        chosen = pictures[which]
        colors = chosen.reshape(*chosen.shape[:3], -1, 3)
        pictures[which] = colors.mean(-1, keepdim=True).expand_as(colors).reshape(chosen.shape)


def _blur(pictures: Tensor, which: Tensor) -> None:
    if which.any():
        planes = F.pad(pictures[which].permute(0, 3, 1, 2), (1, 1, 1, 1), mode="replicate")
        pictures[which] = F.avg_pool2d(planes, 3, 1).permute(0, 2, 3, 1)


def _occlude(picture: Tensor, largest: float, generator: Generator) -> None:
    """Cover a rectangle, which may reach beyond the picture (h, w, c), by one colour."""
    rows, columns, channels = picture.shape
    size = generator.uniform(min(SMALLEST_OCCLUSION, largest), largest, 2) * (rows, columns)
    height, width = (int(length) + 1 for length in size)
    top = int(generator.integers(-height // 2, rows - height // 2))
    left = int(generator.integers(-width // 2, columns - width // 2))
    color = torch.from_numpy(generator.uniform(0, 255, 3).astype(np.float32)).repeat(channels // 3)
    picture[max(top, 0) : top + height, max(left, 0) : left + width] = color
