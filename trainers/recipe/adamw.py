"""AdamW on one cycle of the learning rate, and the average of the weights that it goes through."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ..net.parameters import Parameters
from . import recipe_pb2

TrainingParameter = recipe_pb2.TrainingParameter
EPSILON = 1e-8


def one_cycle(training: TrainingParameter, iteration: int, iterations: int) -> float:
    """The learning rate of an iteration: up to base_lr in a straight line, down by half a cosine.

    Source: Smith and Topin, "Super-convergence", 2018; the cosine as in torch's OneCycleLR.
    """
    rising = max(1, round(training.warm_up * iterations))
    if iteration < rising:
        return training.base_lr * (iteration + 1) / rising
    fallen = (iteration + 1 - rising) / (iterations - rising)
    cosine = (1 + math.cos(math.pi * fallen)) / 2
    return training.base_lr * (training.final_lr + (1 - training.final_lr) * cosine)


class AdamW:
    """AdamW over a net's flat vector. `first` and `second` are its moments, `iteration` counts updates.

    Rates and decays are times the net's own lr_mult and decay_mult. Source: Loshchilov and Hutter,
    "Decoupled weight decay regularization", ICLR 2019; as torch.optim.AdamW computes it.
    """

    def __init__(self, training: TrainingParameter, parameters: Parameters) -> None:
        self.parameters = parameters
        self.betas = (training.beta1, training.beta2)
        self.first = torch.zeros_like(parameters.values)
        self.second = torch.zeros_like(parameters.values)
        self.iteration = 0
        decay = torch.zeros_like(parameters.values)
        for key, view in parameters.views(decay).items():
            if len(parameters.shapes[key]) > 1:
                view.fill_(training.weight_decay)
        self._decay = decay * parameters.decay_mult * parameters.lr_mult

    def step(self, rate: float) -> None:
        """One update by the gradient in `parameters`."""
        beta1, beta2 = self.betas
        values, gradient = self.parameters.values, self.parameters.gradient
        self.iteration += 1
        self.first.lerp_(gradient, 1 - beta1)
        self.second.mul_(beta2).addcmul_(gradient, gradient, value=1 - beta2)
        values.addcmul_(values, self._decay, value=-rate)
        root = (self.second / (1 - beta2**self.iteration)).sqrt_().add_(EPSILON)
        move = (self.first / root).mul_(self.parameters.lr_mult)
        values.add_(move, alpha=-rate / (1 - beta1**self.iteration))


def average(ema: Tensor, values: Tensor, decay: float, iteration: int) -> None:
    """Move the average `ema` on to the values after `iteration` updates (1 or more).

    At first it forgets faster, so that it does not remember the fillers. BatchNorm's sums and their
    factor are averaged alike, so that the quotients stay those of a batch.
    """
    kept = min(decay, iteration / (iteration + 9))
    ema.lerp_(values, 1 - kept)
