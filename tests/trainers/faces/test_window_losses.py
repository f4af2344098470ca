"""Losses of windows against plain numbers, and which of them count."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from protoface.converters import ProtofaceError
from protoface.trainers.faces.window_losses import (
    TaskWeights,
    WindowAnswers,
    WindowTruth,
    hard_mean,
    score_losses,
    window_loss,
)

ANSWERS = WindowAnswers("score", 1, "box", "points")


def some(count: int = 6) -> tuple[dict[str, Tensor], WindowTruth]:
    """Outputs and truth: a face, a part, points, and three that are none."""
    generator = torch.Generator().manual_seed(0)
    scores = torch.rand(count, generator=generator)
    outputs = {
        "score": torch.stack((1 - scores, scores), dim=1).requires_grad_(),
        "box": torch.rand(count, 4, generator=generator).requires_grad_(),
        "points": torch.rand(count, 10, generator=generator).requires_grad_(),
    }
    labels = torch.tensor([1, -1, -1, 0, 0, 0])
    has_box, has_points = torch.tensor([1, 1, 0, 0, 0, 0]) > 0, torch.tensor([0, 0, 1, 0, 0, 0]) > 0
    boxes = torch.rand(count, 4, generator=generator) * has_box[:, None]
    points = torch.rand(count, 10, generator=generator) * has_points[:, None]
    return outputs, WindowTruth(labels, boxes, has_box, points, has_points)


def test_the_loss_is_the_sum_of_three_means() -> None:
    outputs, truth = some()
    weights = TaskWeights(score=2, box=0.5, points=3, hard=0.75)
    scores = outputs["score"][:, 1].tolist()
    each = [-math.log(scores[0]), *(-math.log(1 - score) for score in scores[3:])]
    score = sum(sorted(each)[1:]) / 3
    outputs = {name: output.detach() for name, output in outputs.items()}
    box = ((outputs["box"][:2] - truth.boxes[:2]) ** 2).sum() / 2
    points = ((outputs["points"][2] - truth.points[2]) ** 2).sum()
    wanted = 2 * score + 0.5 * float(box) + 3 * float(points)
    assert float(window_loss(ANSWERS, outputs, truth, weights)) == pytest.approx(wanted, rel=1e-5)


def test_only_what_counts_has_a_gradient() -> None:
    outputs, truth = some()
    window_loss(ANSWERS, outputs, truth, TaskWeights(hard=1)).backward()
    score, box, points = (outputs[name].grad for name in ("score", "box", "points"))
    assert [bool(row.any()) for row in score] == [True, False, False, True, True, True]
    assert [bool(row.any()) for row in box] == [True, True, False, False, False, False]
    assert [bool(row.any()) for row in points] == [False, False, True, False, False, False]


def test_hard_mining_leaves_the_easy_ones_without_a_gradient() -> None:
    losses = torch.tensor([0.1, 5, 0.3, 2, 0.2, 4, 1, 3, 0.05, 0.4], requires_grad=True)
    mean = hard_mean(losses, 0.7)
    mean.backward()
    assert float(mean.detach()) == pytest.approx(sum((5, 2, 4, 1, 3, 0.4, 0.3)) / 7)
    assert losses.grad is not None
    assert (losses.grad > 0).tolist() == [loss >= 0.3 for loss in losses.detach().tolist()]


def test_hard_mining_keeps_one_at_least() -> None:
    assert float(hard_mean(torch.tensor([2.0, 1.0]), 0.1)) == 2
    assert float(hard_mean(torch.zeros(0), 0.7)) == 0


def test_scores_of_0_and_1_have_finite_losses() -> None:
    losses = score_losses(torch.tensor([0.0, 1, 0.5]), torch.tensor([1, 0, -1]))
    assert len(losses) == 2
    assert bool(losses.isfinite().all())


def test_a_net_without_points() -> None:
    outputs, truth = some()
    del outputs["points"]
    loss = window_loss(WindowAnswers("score", 1, "box", None), outputs, truth, TaskWeights())
    assert bool(loss.isfinite())


def test_outputs_of_another_shape() -> None:
    outputs, truth = some()
    outputs["box"] = torch.zeros(6, 4, 1, 1)
    with pytest.raises(ProtofaceError, match="blob 'box' has 1 x 1 places for one window; end the net"):
        window_loss(ANSWERS, outputs, truth, TaskWeights())
    maps = WindowAnswers("score", 1, "box", None, mapped=True)
    with pytest.raises(
        ProtofaceError, match="blob 'score' has no places for one window; the net's input"
    ):
        window_loss(maps, outputs, truth, TaskWeights())
    outputs["score"] = torch.full((6, 2, 2, 3), 0.5)
    with pytest.raises(ProtofaceError, match="blob 'score' has 2 x 3 places for one window"):
        window_loss(maps, outputs, truth, TaskWeights())
    outputs["score"] = outputs["score"][..., :1, :1]
    assert bool(window_loss(maps, outputs, truth, TaskWeights()).isfinite())
