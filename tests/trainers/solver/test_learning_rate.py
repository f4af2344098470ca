"""Learning rate policies against their formulas; the recorded runs are in test_parity.py."""

from __future__ import annotations

import math

import numpy as np
import pytest

from protoface.converters import ProtofaceError, caffe_pb2
from protoface.converters.prototxt import parse_message
from protoface.trainers.solver.learning_rate import current_step, learning_rate


def solver(text: str) -> caffe_pb2.SolverParameter:
    return parse_message(f"base_lr: 0.01 {text}", caffe_pb2.SolverParameter(), "solver")


BASE, TENTH, HALF = (float(np.float32(x)) for x in (0.01, 0.1, 0.5))


@pytest.mark.parametrize(
    ("text", "iteration", "expected"),
    [
        ('lr_policy: "fixed"', 1000, BASE),
        ('lr_policy: "step" gamma: 0.1 stepsize: 10', 9, BASE),
        ('lr_policy: "step" gamma: 0.1 stepsize: 10', 30, BASE * TENTH**3),
        ('lr_policy: "exp" gamma: 0.5', 5, BASE * HALF**5),
        ('lr_policy: "inv" gamma: 0.5 power: 2', 3, BASE * 2.5**-2),
        ('lr_policy: "multistep" gamma: 0.1 stepvalue: 8 stepvalue: 14', 7, BASE),
        ('lr_policy: "multistep" gamma: 0.1 stepvalue: 8 stepvalue: 14', 8, BASE * TENTH),
        ('lr_policy: "multistep" gamma: 0.1 stepvalue: 8 stepvalue: 14', 14, BASE * TENTH**2),
        ('lr_policy: "poly" power: 2 max_iter: 100', 25, BASE * 0.75**2),
        ('lr_policy: "poly" power: 2 max_iter: 100', 101, 0),
        ('lr_policy: "sigmoid" gamma: 0.5 stepsize: 10', 12, BASE / (1 + math.exp(-1))),
        ('lr_policy: "sigmoid" gamma: -0.5 stepsize: 10', 12, BASE / (1 + math.exp(1))),
        ('lr_policy: "sigmoid" gamma: -1 stepsize: 10', 10**6, 0),
    ],
)
def test_formula(text: str, iteration: int, expected: float) -> None:
    assert learning_rate(solver(text), iteration) == pytest.approx(expected, rel=1e-15)


def test_current_step_counts_drops() -> None:
    text = 'lr_policy: "multistep" gamma: 0.1 stepvalue: 8 stepvalue: 14'
    assert [current_step(solver(text), i) for i in (7, 8, 13, 14)] == [0, 1, 1, 2]
    assert current_step(solver('lr_policy: "step" stepsize: 10'), 35) == 3
    assert current_step(solver('lr_policy: "fixed"'), 35) == 0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('lr_policy: "cosine"', "unknown lr_policy 'cosine'; known: fixed, step, exp, inv"),
        ("", "unknown lr_policy ''"),
        ('lr_policy: "step" gamma: 0.1', "needs a stepsize"),
    ],
)
def test_refused(text: str, message: str) -> None:
    with pytest.raises(ProtofaceError, match=message):
        learning_rate(solver(text), 0)
