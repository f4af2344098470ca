"""Batches for a face finder: crops of scenes, with changed pixels, and what is true of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor

from protoface.cascade import cascade_pb2
from protoface.cascade.windows.window import Image

from ..faces.crops import Crop, CropOptions, Cropper, Source
from ..faces.map_losses import Truth
from ..faces.places import FaceMap, make_places
from . import recipe_pb2
from .augment import as_jpeg

#: What a random number is for; part of its seed, as the sampler's of other stages.
CROPS = 5


@dataclass(frozen=True, eq=False)
class Group:
    """Sources of one set, and how often one of them is sampled: all of them together."""

    sources: Sequence[Source]
    weight: float


@dataclass(frozen=True, eq=False)
class CropBatch:
    """`inputs` (n, 3, side, side) in channels_last memory, and what is true of them."""

    inputs: Tensor
    truth: Truth

    def to(self, device: torch.device) -> CropBatch:
        """The same on another device."""
        truth = Truth(
            [boxes.to(device) for boxes in self.truth.boxes],
            [points.to(device) for points in self.truth.points],
            self.truth.known.to(device),
        )
        return CropBatch(self.inputs.to(device), truth)


class Pixels:
    """From pixels to a net's input, as a stage's preprocessing says: (value - mean) * scale."""

    def __init__(self, preprocess: cascade_pb2.PreprocessParameter) -> None:
        mean = list(preprocess.mean) or [0.0]
        self.mean = torch.tensor(mean * 3 if len(mean) == 1 else mean)
        self.scale = preprocess.scale
        self.swap = preprocess.color_order == cascade_pb2.PreprocessParameter.RGB

    def prepare(self, *pictures: Image) -> Tensor:
        """The input (n, 3, h, w), in channels_last memory, of pictures of one size."""
        return self.scaled(torch.from_numpy(np.stack(pictures)).float())

    def scaled(self, pictures: Tensor) -> Tensor:
        """The input (n, 3, h, w) of pictures (n, h, w, 3) of 0 .. 255, which it may change."""
        inputs = pictures.flip(3) if self.swap else pictures
        return inputs.sub_(self.mean).mul_(self.scale).permute(0, 3, 1, 2)


class CropSampler:
    """The batches by their number: the same ones for the same seed, in any order."""

    def __init__(
        self,
        groups: Sequence[Group],
        options: CropOptions,
        training: recipe_pb2.TrainingParameter,
        pixels: Pixels,
        maps: Sequence[FaceMap],
        seed: Sequence[int],
    ) -> None:
        self.options, self.seed, self.pixels = options, list(seed), pixels
        self.augment, self.batch_size = training.augment, training.batch_size
        self._whole = [group for group in groups if group.sources[0].complete]
        self._single = [group for group in groups if not group.sources[0].complete]
        self._cropper = Cropper(options)
        sides = [(options.side // each.stride,) * 2 for each in maps]
        centres = make_places(maps, sides, torch.zeros(())).centres.numpy().astype(np.int64)
        self._columns, self._rows = centres.T

    def batch(self, number: int) -> CropBatch:
        """The batch of iteration `number`."""
        generator = np.random.default_rng([*self.seed, CROPS, number])
        crops = [self.crop(generator) for _ in range(self.batch_size)]
        inputs = self.pixels.prepare(*(crop.pixels for crop in crops))
        known = np.stack([crop.known[self._rows, self._columns] for crop in crops])
        truth = Truth(
            [torch.from_numpy(crop.boxes.astype(np.float32)) for crop in crops],
            [torch.from_numpy(crop.points.astype(np.float32)) for crop in crops],
            torch.from_numpy(known),
        )
        return CropBatch(inputs, truth)

    def crop(self, generator: np.random.Generator) -> Crop:
        """One crop."""
        pasted = None
        if self._single and generator.random() < self.options.paste:
            pasted = _drawn(self._single, generator)
        crop = self._cropper.crop(_drawn(self._whole, generator), pasted, generator)
        return replace(crop, pixels=change_picture(self.augment, crop.pixels, generator))


def _drawn(groups: Sequence[Group], generator: np.random.Generator) -> Source:
    weights = np.array([group.weight for group in groups])
    group = groups[int(generator.choice(len(groups), p=weights / weights.sum()))]
    return group.sources[int(generator.integers(len(group.sources)))]


def change_picture(
    augment: recipe_pb2.AugmentParameter, picture: Image, generator: np.random.Generator
) -> Image:
    """A picture (h, w, 3) with other colours, blurred, grey or compressed; no noise, no occlusion.

    A value becomes gain * (contrast * (value - mean) + mean + brightness), by a table for each colour.
    """
    normal, chance = generator.normal(size=5), generator.random(3)
    contrast, mean = np.exp(normal[0] * augment.contrast), np.mean(cv2.mean(picture)[:3])
    values = contrast * (np.arange(256) - mean) + mean + normal[1] * augment.brightness
    table = np.outer(values, np.exp(normal[2:] * augment.color))[:, None]
    changed: Any = cv2.LUT(picture, np.clip(np.round(table), 0, 255).astype(np.uint8))
    if chance[0] < augment.gray:
        changed = cv2.cvtColor(cv2.cvtColor(changed, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
    if chance[1] < augment.blur:
        changed = cv2.blur(changed, (3, 3))
    return as_jpeg(changed, generator) if chance[2] < augment.jpeg else changed
