"""The places of the maps that a face finder answers with, and what they answer as boxes and points."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class FaceMap:
    """One map: names of its outputs, and the stride and the cell of its places, pixels."""

    score: str
    box: str
    points: str
    stride: int
    cell: int


@dataclass(frozen=True, eq=False)
class Places:
    """The p places of all maps, pixels: corners (p, 2) of cells, strides (p), sides of cells (p)."""

    corners: Tensor
    strides: Tensor
    cells: Tensor

    @property
    def centres(self) -> Tensor:
        """Centres (p, 2) of the cells in pixels from the edge of the first."""
        return self.corners + self.cells[:, None] / 2


@dataclass(frozen=True, eq=False)
class Answers:
    """What n pictures' maps say at p places.

    `scores` (n, p); `boxes` (n, p, 4): left, top, right, bottom in pixels from the edge of the first;
    `points` (n, p, 5, 2) in pixels from its centre.
    """

    places: Places
    scores: Tensor
    boxes: Tensor
    points: Tensor


def read_maps(outputs: Mapping[str, Tensor], maps: Sequence[FaceMap]) -> Answers:
    """The outputs of a net, (n, channels, rows, columns) each, as boxes and points."""
    shapes = [outputs[each.score].shape[2:] for each in maps]
    places = make_places(maps, [(rows, columns) for rows, columns in shapes], outputs[maps[0].score])
    scores, sides, points = (
        torch.cat([outputs[getattr(each, name)].flatten(2) for each in maps], dim=2).transpose(1, 2)
        for name in ("score", "box", "points")
    )
    away = sides * places.strides[:, None]
    middle = places.centres
    boxes = torch.cat((middle - away[..., :2], middle + away[..., 2:]), dim=2)
    # -1 .. 1 from the first to the last pixel of the cell
    pairs = (points.reshape(*points.shape[:2], -1, 2) + 1) / 2 * (places.cells - 1)[:, None, None]
    return Answers(places, scores[..., 0], boxes, pairs + places.corners[:, None])


def make_places(maps: Sequence[FaceMap], shapes: Sequence[tuple[int, int]], like: Tensor) -> Places:
    """The places of maps of (rows, columns) each, row by row."""
    corners, strides, cells = [], [], []
    for each, (rows, columns) in zip(maps, shapes, strict=True):
        grid = torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij")
        corners.append(torch.stack((grid[1], grid[0]), dim=2).flatten(0, 1) * each.stride)
        strides.append(torch.full((rows * columns,), each.stride))
        cells.append(torch.full((rows * columns,), each.cell))
    return Places(*(torch.cat(part).to(like) for part in (corners, strides, cells)))
