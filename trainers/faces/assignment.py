"""Which place of a finder's maps answers for which face."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from .places import Places

#: A place may answer for a face where its centre is in the face's box, or at most so many strides from
#: its middle.
REACH = 2.0
#: How much the overlap counts beside the score, and what it costs not to be both near and inside.
OVERLAP_COST, OUTSIDE = 3.0, 1e5
#: A face is answered for by as many places as the sum of its greatest overlaps, of so many.
GREATEST = 10
EPSILON = 1e-7


def overlaps(first: Tensor, second: Tensor) -> Tensor:
    """Intersection over union (...) of boxes (..., 4): left, top, right, bottom."""
    return _overlaps(first, second)[0]


def generous_overlaps(first: Tensor, second: Tensor) -> Tensor:
    """GIoU (...), -1 .. 1: less the part of the box around both that neither covers.

    Source: Rezatofighi et al., "Generalized intersection over union", CVPR 2019.
    """
    overlap, union = _overlaps(first, second)
    sides = torch.maximum(first[..., 2:], second[..., 2:]) - torch.minimum(
        first[..., :2], second[..., :2]
    )
    around = sides.prod(-1)
    return overlap - (around - union) / (around + EPSILON)


def _overlaps(first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
    """Intersection over union, and the union."""
    corner = torch.maximum(first[..., :2], second[..., :2])
    common = (torch.minimum(first[..., 2:], second[..., 2:]) - corner).clamp(min=0).prod(-1)
    areas = [(boxes[..., 2:] - boxes[..., :2]).prod(-1) for boxes in (first, second)]
    union = areas[0] + areas[1] - common
    return common / (union + EPSILON), union


def assign(places: Places, scores: Tensor, boxes: Tensor, faces: Tensor) -> Tensor:
    """For each place the index of the face that it answers for, or -1 (p).

    `scores` (p) and `boxes` (p, 4) are what the places answer now, `faces` (m, 4) the true boxes: left,
    top, right, bottom. Each face takes the places that answer it best already, as many as overlap it
    well, one at least; of two faces that take a place the better answered one has it. Source: Ge et
    al., "YOLOX", 2021, SimOTA.
    """
    if not len(faces):
        return torch.full((len(scores),), -1)
    inside, near = _reach(places, faces)
    places_in = (inside | near).any(dim=0).nonzero()[:, 0]
    overlap = overlaps(boxes[places_in], faces[:, None])
    cost = -torch.log(overlap + EPSILON) * OVERLAP_COST
    cost -= torch.log(scores[places_in].clamp(min=EPSILON))
    cost += OUTSIDE * ~(inside & near)[:, places_in]
    # never one that is neither
    cost += OUTSIDE**2 * ~(inside | near)[:, places_in]
    taken = _taken(cost, overlap)
    twice = taken.sum(dim=0) > 1
    taken[:, twice] = F.one_hot(cost[:, twice].argmin(dim=0), len(faces)).T.bool()
    owner = torch.full((len(scores),), -1)
    owner[places_in] = torch.where(taken.any(dim=0), taken.int().argmax(dim=0), -1)
    return owner


def _reach(places: Places, faces: Tensor) -> tuple[Tensor, Tensor]:
    """Which places (m, p) are inside of a face's box, and which are near its middle."""
    centres = places.centres
    to_sides = torch.cat((centres - faces[:, None, :2], faces[:, None, 2:] - centres), dim=2)
    middles = (faces[:, :2] + faces[:, 2:]) / 2
    away = (centres - middles[:, None]).abs().amax(dim=2)
    return to_sides.amin(dim=2) > 0, away < REACH * places.strides


def _taken(cost: Tensor, overlap: Tensor) -> Tensor:
    """Which places (m, p) each face takes, before two want the same."""
    most = min(GREATEST, overlap.shape[1])
    counts = overlap.topk(most, dim=1).values.sum(dim=1).int().clamp(min=1)
    best = cost.topk(most, dim=1, largest=False)
    taken = torch.zeros_like(cost, dtype=torch.bool)
    wanted = torch.arange(most) < counts[:, None]
    return taken.scatter_(1, best.indices, wanted & (best.values < OUTSIDE**2 / 2))
