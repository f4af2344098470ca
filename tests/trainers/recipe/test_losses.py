"""Losses against PyTorch's own, our Caffe layer's, and formulas written out."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from protoface.converters import build_graph, caffe_pb2
from protoface.converters.prototxt import parse_message
from protoface.converters.pytorch import CaffeNet
from protoface.trainers.recipe import recipe_pb2
from protoface.trainers.recipe.losses import face_losses, face_weights

Loss = recipe_pb2.LossParameter


def errors(scale: float = 0.3) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(1).normal(0, scale, (6, 5, 2)).astype(np.float32))


def mean_loss(parameter: Loss, values: torch.Tensor) -> torch.Tensor:
    return face_losses(parameter, values).mean()


@pytest.mark.parametrize("width", [0.1, 0.5])
def test_l1_and_smooth_l1_are_pytorchs(width: float) -> None:
    values, zeros = errors(), torch.zeros(6, 5, 2)
    assert torch.allclose(mean_loss(Loss(type=Loss.L1), values), F.l1_loss(values, zeros))
    ours = mean_loss(Loss(type=Loss.SMOOTH_L1, width=width), values)
    assert torch.allclose(ours, F.smooth_l1_loss(values, zeros, beta=width))


def test_euclidean_is_caffes() -> None:
    text = """
    layer { name: "in" type: "Input" top: "a" top: "b" input_param { shape { dim: 6 dim: 10 } } }
    layer { name: "loss" type: "EuclideanLoss" bottom: "a" bottom: "b" top: "loss" }
    """
    net = parse_message(text, caffe_pb2.NetParameter(), "text")
    values = errors()
    caffe = CaffeNet(build_graph(net, "text"))(values.reshape(6, 10), torch.zeros(6, 10))
    assert torch.allclose(mean_loss(Loss(type=Loss.EUCLIDEAN), values), caffe)


def test_distance_is_the_measured_error() -> None:
    values = errors()
    expected = np.linalg.norm(values.numpy(), axis=2).mean(axis=1)
    assert np.allclose(face_losses(Loss(), values).numpy(), expected, atol=1e-4)


def test_wing_is_the_papers_formula() -> None:
    w, e = 0.2, 0.04
    for x in (0.0, 0.01, 0.15, 0.3, 2.0):
        c = w - w * math.log(1 + w / e)
        expected = w * math.log(1 + x / e) if x < w else x - c
        value = face_losses(Loss(type=Loss.WING, width=w, curvature=e), torch.full((1, 5, 2), x))
        assert float(value) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("kind", Loss.Type.values())
def test_gradients_are_finite_at_zero_and_point_away_from_it(kind: int) -> None:
    zero = torch.zeros(2, 5, 2, requires_grad=True)
    mean_loss(Loss(type=kind), zero).backward()
    assert zero.grad is not None
    assert zero.grad.isfinite().all()
    values = errors().requires_grad_()
    mean_loss(Loss(type=kind), values).backward()
    assert values.grad is not None
    assert (values.grad * values > 0).all()


def test_power_1_makes_the_loss_relative_to_the_eye_distance() -> None:
    eyes, values = torch.tensor([0.5, 0.8, 1.0, 0.9, 0.7, 1.2]), errors()
    losses = face_losses(Loss(), values)
    weighted = losses * face_weights(eyes, 1)
    assert torch.allclose(weighted / weighted[0], losses / eyes / (losses[0] / eyes[0]))
    assert float(face_weights(eyes, 1).mean()) == pytest.approx(1)
    assert torch.equal(face_weights(eyes, 0), torch.ones(6))


def test_a_profile_without_eye_distance_does_not_rule_the_batch() -> None:
    weights = face_weights(torch.tensor([0.0, 1.0, 1.0, 1.0]), 1)
    assert float(weights[0] / weights[1]) == pytest.approx(1 / (0.25 * 0.75))
