"""Losses of a face finder's maps: scores that say how well a box fits, boxes, points."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from .assignment import assign, generous_overlaps, overlaps
from .places import Answers


@dataclass(frozen=True, eq=False)
class Truth:
    """The faces of n crops: boxes (m, 4) and points (m, 5, 2) of each, as in `Answers`.

    `known` (n, p): places that are background unless they answer for a face.
    """

    boxes: Sequence[Tensor]
    points: Sequence[Tensor]
    known: Tensor


@dataclass(frozen=True)
class MapWeights:
    """How much the losses of scores, boxes and points count."""

    score: float = 1
    box: float = 2
    points: float = 1


def map_loss(answers: Answers, truth: Truth, weights: MapWeights) -> Tensor:
    """The loss of all places, over the number of those that answer for a face."""
    with torch.no_grad():
        owners = [
            assign(answers.places, scores, boxes, faces)
            for scores, boxes, faces in zip(answers.scores, answers.boxes, truth.boxes, strict=True)
        ]
    owner = torch.stack(owners)
    picture, place = (owner >= 0).nonzero(as_tuple=True)
    count = max(len(place), 1)
    boxes, points, shares = _of_places(truth, owners)
    found = answers.boxes[picture, place]
    target = torch.zeros_like(answers.scores)
    target[picture, place] = overlaps(found.detach(), boxes)
    known = truth.known | (owner >= 0)
    score = (quality_focal(answers.scores, target) * known).sum()
    box = ((1 - generous_overlaps(found, boxes)) * shares).sum()
    off = point_errors(answers.points[picture, place], points, boxes)
    return (weights.score * score + weights.box * box + weights.points * (off * shares).sum()) / count


def quality_focal(scores: Tensor, target: Tensor) -> Tensor:
    """Cross entropy with the overlap as target, weighted by the square of the difference.

    Source: Li et al., "Generalized focal loss", NeurIPS 2020.
    """
    away = (scores - target).square()
    return F.binary_cross_entropy(scores, target, reduction="none") * away


def point_errors(found: Tensor, points: Tensor, boxes: Tensor) -> Tensor:
    """Mean absolute difference (k) of points (k, 5, 2) over the box's side; 0 where unknown (NaN)."""
    sides = (boxes[:, 2:] - boxes[:, :2]).prod(1).sqrt()
    unknown = points.isnan()
    difference = (found - torch.where(unknown, 0.0, points)).abs() * ~unknown
    return difference.mean((1, 2)) / sides


def _of_places(truth: Truth, owners: Sequence[Tensor]) -> tuple[Tensor, Tensor, Tensor]:
    """Boxes (k, 4), points (k, 5, 2) and shares (k) of the faces that places answer for, mean 1.

    A face's places together count in proportion to the root of their number: small faces have few.
    """
    boxes, points, shares = [], [], []
    for faces, fives, owner in zip(truth.boxes, truth.points, owners, strict=True):
        own = owner[owner >= 0]
        boxes.append(faces[own])
        points.append(fives[own])
        shares.append(own.bincount(minlength=1)[own].float().rsqrt())
    share = torch.cat(shares)
    return torch.cat(boxes), torch.cat(points), share / share.mean().clamp(min=1e-9)
