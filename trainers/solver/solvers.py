"""Caffe's six solvers, on one flat vector of all weights.

Source: Caffe, src/caffe/solvers/. None is the `torch.optim` class of its name: SGD keeps the learning
rate inside its momentum, Adam adds delta to the uncorrected root, decay is part of the gradient. The
hyper-parameters are float32 in the message and are used with exactly that value in float64 runs too.

In the rules' formulas w are the weights, g is the gradient, clipped and decayed (`update`), rate the
learning rate times `lr_mult`; v, h, d and m are rows of the history, which start at 0. The formulas are
carried out in order.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from protoface.converters import caffe_pb2

from ..net.parameters import Parameters
from .learning_rate import learning_rate

Solver = caffe_pb2.SolverParameter
# A number, or a tensor of one number on the device: what a CUDA graph is told anew in each iteration.
Number = float | Tensor
# From the solver, its `correction`, the gradient, the rate of each value and the history (rows,
# values), which it brings up to date: what to subtract from the weights.
Rule = Callable[[Solver, Number, Tensor, Tensor, Tensor], Tensor]


def apply_update(solver: Solver, iteration: int, parameters: Parameters, history: Tensor) -> float:
    """One update of all weights from the summed gradients of `iter_size` batches.

    Caffe's order: clip the sum, divide it by iter_size, add the decay, update. `history` (rows,
    values) is brought up to date. Returns the learning rate used.
    """
    rate = learning_rate(solver, iteration)
    update(solver, rate, correction(solver, iteration), parameters, history)
    return rate


def update(
    solver: Solver, rate: Number, correction: Number, parameters: Parameters, history: Tensor
) -> None:
    """`apply_update` given what depends on the iteration; tensors of it do the same to the last bit."""
    values, gradient = parameters.values, parameters.gradient
    if solver.clip_gradients >= 0:
        clip(gradient, solver.clip_gradients)
    if solver.iter_size > 1:
        gradient.mul_(1 / solver.iter_size)
    if solver.weight_decay:
        decayed = values.sign() if solver.regularization_type == "L1" else values
        gradient.addcmul_(parameters.decay_mult, decayed, value=solver.weight_decay)
    rates = rate * parameters.lr_mult
    values.sub_(RULES[solver.type](solver, correction, gradient, rates, history))


def correction(solver: Solver, iteration: int) -> float:
    """Adam's sqrt(1 - b2^t) / (1 - b1^t), t = iteration + 1; 1 for the other solvers."""
    if solver.type != "Adam":
        return 1.0
    first, second = solver.momentum, solver.momentum2
    return math.sqrt(1 - second ** (iteration + 1)) / (1 - first ** (iteration + 1))


def new_history(solver: Solver, parameters: Parameters) -> Tensor:
    """The history of a solver that has made no update: zeros (rows, values), 1 or 2 rows."""
    rows = 2 if solver.type in ("AdaDelta", "Adam") else 1
    return parameters.values.new_zeros(rows, parameters.values.numel())


def clip(gradient: Tensor, limit: float) -> None:
    """Scale the gradient to the L2 norm `limit` where it is longer."""
    norm = gradient.norm()
    # a tensor's comparison, not Python's: the GPU need not be waited for
    gradient.mul_(torch.where(norm > limit, limit / norm, 1.0))


def sgd(solver: Solver, correction: Number, gradient: Tensor, rate: Tensor, history: Tensor) -> Tensor:
    """Momentum that holds the rate: v = momentum v + rate g; w -= v."""
    return history[0].mul_(solver.momentum).addcmul_(rate, gradient)


def nesterov(
    solver: Solver, correction: Number, gradient: Tensor, rate: Tensor, history: Tensor
) -> Tensor:
    """Nesterov's momentum: v' = momentum v + rate g; w -= (1 + momentum) v' - momentum v."""
    before = history[0] * solver.momentum
    now = history[0].mul_(solver.momentum).addcmul_(rate, gradient)
    return now * (1 + solver.momentum) - before


def adagrad(
    solver: Solver, correction: Number, gradient: Tensor, rate: Tensor, history: Tensor
) -> Tensor:
    """The sum of all g^2: h += g^2; w -= rate g / (sqrt(h) + delta)."""
    root = history[0].addcmul_(gradient, gradient).sqrt().add_(solver.delta)
    return (rate * gradient).div_(root)


def rmsprop(
    solver: Solver, correction: Number, gradient: Tensor, rate: Tensor, history: Tensor
) -> Tensor:
    """The mean of g^2: h = rms_decay h + (1 - rms_decay) g^2; w -= rate g / (sqrt(h) + delta)."""
    _average(history[0], solver.rms_decay, gradient)
    return (rate * gradient).div_(history[0].sqrt().add_(solver.delta))


def adadelta(
    solver: Solver, correction: Number, gradient: Tensor, rate: Tensor, history: Tensor
) -> Tensor:
    """Steps as long as the past ones.

    h = momentum h + (1 - momentum) g^2; s = g sqrt((d + delta) / (h + delta));
    d = momentum d + (1 - momentum) s^2; w -= rate s.
    """
    gradients, steps = history[0], history[1]
    _average(gradients, solver.momentum, gradient)
    step = (steps + solver.delta).div_(gradients + solver.delta).sqrt_().mul_(gradient)
    _average(steps, solver.momentum, step)
    return step.mul_(rate)


def adam(solver: Solver, correction: Number, gradient: Tensor, rate: Tensor, history: Tensor) -> Tensor:
    """Means of g and of g^2.

    m = momentum m + (1 - momentum) g; v = momentum2 v + (1 - momentum2) g^2;
    w -= rate correction m / (sqrt(v) + delta).
    """
    mean, square = history[0], history[1]
    mean.mul_(solver.momentum).add_(gradient, alpha=1 - solver.momentum)
    _average(square, solver.momentum2, gradient)
    return (rate * mean).div_(square.sqrt().add_(solver.delta)).mul_(correction)


def _average(history: Tensor, kept: float, values: Tensor) -> None:
    """A mean of squares, in place: history = kept history + (1 - kept) values^2."""
    history.mul_(kept).addcmul_(values, values, value=1 - kept)


RULES: dict[str, Rule] = {
    "SGD": sgd,
    "Nesterov": nesterov,
    "AdaGrad": adagrad,
    "RMSProp": rmsprop,
    "AdaDelta": adadelta,
    "Adam": adam,
}
