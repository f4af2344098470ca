"""The update: order of its parts, and Adam next to the textbook; all rules are in test_parity.py."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from protoface.converters import caffe_pb2
from protoface.converters.prototxt import parse_message
from protoface.trainers.net.parameters import Parameters
from protoface.trainers.solver.solvers import RULES, apply_update, clip, new_history

W, G = np.array([1.0, -2.0, 3.0]), np.array([0.3, 0.4, -1.2])


def solver(text: str) -> caffe_pb2.SolverParameter:
    return parse_message(f'lr_policy: "fixed" {text}', caffe_pb2.SolverParameter(), "solver")


def parameters(lr_mult: float = 1, decay_mult: float = 1) -> Parameters:
    count = len(W)
    values, gradient = (torch.tensor(row, dtype=torch.float64) for row in (W, G))
    rates = (torch.full((count,), x, dtype=torch.float64) for x in (lr_mult, decay_mult))
    return Parameters({"w": (count,)}, values, gradient, *rates)


def after(text: str, updates: int = 1, **multipliers: float) -> np.ndarray:
    given, rule = parameters(**multipliers), solver(text)
    history = new_history(rule, given)
    for iteration in range(updates):
        given.gradient.copy_(torch.tensor(G))
        apply_update(rule, iteration, given, history)
    return given.values.numpy()


def test_clip_divide_decay_update_in_this_order() -> None:
    """The sum of the gradients is clipped; the decay comes after the division and is not clipped."""
    text = "base_lr: 0.5 weight_decay: 0.25 iter_size: 2 clip_gradients: 0.5"
    clipped = G * 0.5 / np.linalg.norm(G)
    expected = W - 0.5 * 2 * (clipped / 2 + 0.25 * 4 * W)
    np.testing.assert_allclose(after(text, lr_mult=2, decay_mult=4), expected, rtol=1e-14)


def test_l1_decay() -> None:
    text = 'base_lr: 0.5 weight_decay: 0.25 regularization_type: "L1"'
    np.testing.assert_allclose(after(text), W - 0.5 * (G + 0.25 * np.sign(W)), rtol=1e-14)


@pytest.mark.parametrize(("limit", "factor"), [(10.0, 1.0), (1.3, 1.0), (0.65, 0.5)])
def test_clip_only_what_is_longer(limit: float, factor: float) -> None:
    gradient = torch.tensor(G)  # of length 1.3
    clip(gradient, limit)
    np.testing.assert_allclose(gradient.numpy(), G * factor, rtol=1e-12)


def test_adam_is_torchs_but_for_where_delta_stands() -> None:
    """With a delta that does not matter both agree; with one that does they part."""
    own = after('type: "Adam" base_lr: 0.125 momentum: 0.875 momentum2: 0.75 delta: 0', 5)
    w = torch.tensor(W, requires_grad=True)
    optimizer = torch.optim.Adam([w], lr=0.125, betas=(0.875, 0.75), eps=0)
    for _ in range(5):
        w.grad = torch.tensor(G)
        optimizer.step()
    np.testing.assert_allclose(own, w.detach().numpy(), rtol=1e-12)


def test_hyper_parameters_are_float32() -> None:
    moved = W - after("base_lr: 0.1")
    np.testing.assert_allclose(moved, np.float64(np.float32(0.1)) * G, rtol=1e-14)


@pytest.mark.parametrize("kind", list(RULES))
def test_a_gradient_of_zero_moves_nothing(kind: str) -> None:
    given = parameters()
    given.gradient.zero_()
    rule = solver(f'type: "{kind}" base_lr: 0.1')
    apply_update(rule, 0, given, new_history(rule, given))
    np.testing.assert_array_equal(given.values.numpy(), W)
