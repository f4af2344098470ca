"""The update: order of its parts, and Adam next to the textbook; all rules are in test_parity.py."""

from __future__ import annotations

import ast
import math
import re
from pathlib import Path

import numpy as np
import pytest
import torch

from protoface.converters import caffe_pb2
from protoface.converters.prototxt import parse_message
from protoface.trainers.net.parameters import Parameters
from protoface.trainers.solver.solvers import RULES, apply_update, clip, correction, new_history

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


def carried_out(formulas: str, values: dict[str, float]) -> dict[str, float]:
    """`values` after the formulas of a docstring: `a b` is a product, v' what v is from then on."""
    for formula in re.split(r"[;:]\s|\.(?:\s|$)", formulas.replace("'", "_")):
        if re.match(r"\s*\w+ [-+]?= ", formula):
            product = re.sub(r"(?<=[\w)])\s+(?=[\w(])", " * ", formula.strip().replace("^", "**"))
            exec(product, {"sqrt": math.sqrt}, values)
    return {name: values.get(f"{name}_", value) for name, value in values.items()}


@pytest.mark.parametrize("kind", RULES)
def test_the_formulas_in_the_docstrings_are_what_is_computed(kind: str) -> None:
    text = "momentum: 0.75 momentum2: 0.875 rms_decay: 0.625 delta: 0.03125"
    rule, gradients = solver(f'type: "{kind}" base_lr: 0.5 {text}'), (0.25, -1.5, 0.75)
    given = Parameters(
        {"w": (1,)}, *(torch.tensor([x], dtype=torch.float64) for x in (2.0, 0.0, 1.0, 1.0))
    )
    values = {name: getattr(rule, name) for name in ("momentum", "momentum2", "rms_decay", "delta")}
    values |= {"w": 2.0, **dict.fromkeys("vhdm", 0.0), "rate": 0.5}
    history = new_history(rule, given)
    for iteration, gradient in enumerate(gradients):
        given.gradient.fill_(gradient)
        apply_update(rule, iteration, given, history)
        values |= {"g": gradient, "correction": correction(rule, iteration)}
        values = carried_out(RULES[kind].__doc__ or "", values)
        assert given.values.item() == pytest.approx(values["w"], rel=1e-12)
    assert abs(given.values.item() - 2.0) > 1e-3  # not nothing on both sides


def docstrings() -> list[tuple[str, str]]:
    """File and docstring of every module, class and function of the converters and trainers."""
    root = Path(__file__).parents[3]
    files = [file for folder in ("converters", "trainers") for file in (root / folder).rglob("*.py")]
    holders = (ast.Module, ast.ClassDef, ast.FunctionDef)
    return [
        (file.name, ast.get_docstring(node) or "")
        for file in files
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, holders)
    ]


def test_no_docstring_begins_with_a_formula_that_was_given_a_capital() -> None:
    """`ruff --fix` does so (D403), and then W is not the weight w of the next line."""
    broken = re.compile(r"[A-Z]'? (?:times\b|[-+/] )|[A-Z]\w*'? (?:[-+*/^]?=|[*^]) ")
    found = docstrings()
    assert len(found) > 1000
    assert [entry for entry in found if broken.match(entry[1])] == []
