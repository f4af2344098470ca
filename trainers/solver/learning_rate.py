"""Caffe's learning rate policies.

Source: Caffe, src/caffe/solvers/sgd_solver.cpp, GetLearningRate. The hyper-parameters are float32 in
the message and are used with exactly that value, also in a float64 run.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable

import numpy as np

from protoface.converters import ProtofaceError, caffe_pb2

Solver = caffe_pb2.SolverParameter


def learning_rate(solver: Solver, iteration: int) -> float:
    """The learning rate of the update at `iteration`, counted from 0.

    Raises ProtofaceError for an unknown policy, and for one whose fields are missing.
    """
    if solver.lr_policy not in POLICIES:
        known = ", ".join(POLICIES)
        raise ProtofaceError(f"unknown lr_policy {solver.lr_policy!r}; known: {known}")
    return POLICIES[solver.lr_policy](solver, iteration)


def current_step(solver: Solver, iteration: int) -> int:
    """How many drops of the policies step and multistep lie behind `iteration`; 0 for the others."""
    if solver.lr_policy == "step":
        return iteration // _stepsize(solver)
    # the drop is in force at the update where iteration == stepvalue
    return bisect_right(sorted(solver.stepvalue), iteration) if solver.lr_policy == "multistep" else 0


def fixed(solver: Solver, iteration: int) -> float:
    """Always base_lr."""
    return solver.base_lr


def dropping(solver: Solver, iteration: int) -> float:
    """Step and multistep: base_lr * gamma ^ drops."""
    return solver.base_lr * solver.gamma ** current_step(solver, iteration)


def exp(solver: Solver, iteration: int) -> float:
    """base_lr * gamma ^ iteration."""
    return solver.base_lr * float(solver.gamma**iteration)


def inv(solver: Solver, iteration: int) -> float:
    """base_lr * (1 + gamma * iteration) ^ -power; the product is taken in float32, as in C++ there."""
    product = float(np.float32(solver.gamma) * np.float32(iteration))
    return solver.base_lr * float((1 + product) ** -solver.power)


def poly(solver: Solver, iteration: int) -> float:
    """base_lr * (1 - iteration / max_iter) ^ power."""
    return solver.base_lr * float(max(0.0, 1 - iteration / solver.max_iter) ** solver.power)


def sigmoid(solver: Solver, iteration: int) -> float:
    """base_lr / (1 + exp(-gamma * (iteration - stepsize)))."""
    exponent = -solver.gamma * (iteration - solver.stepsize)
    # beyond 700 the power overflows a double, and the rate is 0 to all its digits
    return solver.base_lr / (1 + math.exp(exponent)) if exponent < 700 else 0.0


def _stepsize(solver: Solver) -> int:
    if solver.stepsize < 1:
        raise ProtofaceError('lr_policy "step" needs a stepsize of 1 or more')
    return solver.stepsize


POLICIES: dict[str, Callable[[Solver, int], float]] = {
    "fixed": fixed,
    "step": dropping,
    "exp": exp,
    "inv": inv,
    "multistep": dropping,
    "poly": poly,
    "sigmoid": sigmoid,
}
