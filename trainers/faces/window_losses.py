"""Losses of a net that says of windows whether they are faces, where their boxes and their points."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from protoface.converters import ProtofaceError

#: Probabilities are kept so far from 0 and 1: the logarithm has an end.
EPSILON = 1e-6


@dataclass(frozen=True)
class WindowAnswers:
    """Names of a net's outputs; `channel` is that of the score. `points`: None if there are none.

    `mapped`: they are maps, of one place for one window.
    """

    score: str
    channel: int
    box: str
    points: str | None
    mapped: bool = False

    def read(self, outputs: Mapping[str, Tensor]) -> tuple[Tensor, Tensor, Tensor | None]:
        """Scores (n), boxes (n, 4) and points (n, 2 points) of n windows.

        Raises ProtofaceError for outputs of another shape.
        """
        points = None if self.points is None else self._rows(outputs, self.points)
        scores = self._rows(outputs, self.score)[:, self.channel]
        return scores, self._rows(outputs, self.box), points

    def _rows(self, outputs: Mapping[str, Tensor], name: str) -> Tensor:
        """An output as (n, channels)."""
        shape = tuple(outputs[name].shape[2:])
        if shape != ((1, 1) if self.mapped else ()):
            places = " x ".join(map(str, shape)) or "no"
            remedy = "the net's input must be one cell of the map"
            if not self.mapped:
                remedy = "end the net in InnerProduct or Flatten, or name its map"
            raise ProtofaceError(f"blob '{name}' has {places} places for one window; {remedy}")
        return outputs[name].flatten(1)


@dataclass(frozen=True, eq=False)
class WindowTruth:
    """What is true of n windows.

    `labels` (n): 1 for a face, 0 for none, -1 where the score does not count. `boxes` (n, 4) and
    `points` (n, 2 points) are what the net should answer, where `has_box` and `has_points` (n).
    """

    labels: Tensor
    boxes: Tensor
    has_box: Tensor
    points: Tensor
    has_points: Tensor

    def to(self, device: torch.device) -> WindowTruth:
        """The same on another device."""
        tensors = (self.labels, self.boxes, self.has_box, self.points, self.has_points)
        return WindowTruth(*(tensor.to(device) for tensor in tensors))


@dataclass(frozen=True)
class TaskWeights:
    """How much the losses of scores, boxes and points count; of the scores' the `hard` part does."""

    score: float = 1
    box: float = 0.5
    points: float = 0.5
    hard: float = 0.7


def window_loss(
    answers: WindowAnswers, outputs: Mapping[str, Tensor], truth: WindowTruth, weights: TaskWeights
) -> Tensor:
    """The weighted sum of three means, each over the windows that it counts for.

    Source: Zhang et al., "Joint face detection and alignment using multitask cascaded convolutional
    networks", IEEE Signal Processing Letters 2016, equations 1 to 5 and online hard sample mining.
    """
    scores, boxes, points = answers.read(outputs)
    loss = weights.score * hard_mean(score_losses(scores, truth.labels), weights.hard)
    loss = loss + weights.box * _squares(boxes, truth.boxes, truth.has_box)
    if points is not None:
        loss = loss + weights.points * _squares(points, truth.points, truth.has_points)
    return loss


def score_losses(scores: Tensor, labels: Tensor) -> Tensor:
    """The cross-entropies (m) of the scores that count, those with a label of 0 or 1."""
    counted = labels >= 0
    kept = scores[counted].clamp(EPSILON, 1 - EPSILON)
    return F.binary_cross_entropy(kept, labels[counted].to(kept), reduction="none")


def hard_mean(losses: Tensor, share: float) -> Tensor:
    """The mean of the largest losses, that share of their number and one at least; 0 of none."""
    if not len(losses):
        return losses.sum()
    return losses.topk(max(1, int(share * len(losses)))).values.mean()


def _squares(found: Tensor, wanted: Tensor, counted: Tensor) -> Tensor:
    """The mean sum of squared differences of the rows that count."""
    difference = (found - wanted)[counted]
    return difference.square().sum() / max(len(difference), 1)
