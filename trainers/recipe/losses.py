"""Losses of landmarks: one number for each face."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from . import recipe_pb2

LossParameter = recipe_pb2.LossParameter
#: Added to squared distances: the root has no slope at 0.
EPSILON = 1e-6
#: A face's eye distance counts as at least this part of its batch's mean: profiles have next to none.
LEAST_EYE_DISTANCE = 0.25


def face_losses(parameter: LossParameter, errors: Tensor) -> Tensor:
    """Loss (n) of each face by the errors (n, points, 2) of its points, in half sides of the window."""
    return LOSSES[parameter.type](parameter, errors)


def face_weights(eye_distances: Tensor, power: float) -> Tensor:
    """How much each face counts, mean 1: its eye distance (n), in half sides, to the -power."""
    least = LEAST_EYE_DISTANCE * eye_distances.mean()
    weights = eye_distances.clamp(min=float(least)) ** -power
    return weights / weights.mean()


def distance(parameter: LossParameter, errors: Tensor) -> Tensor:
    """Mean distance of the points."""
    return (errors.square().sum(-1) + EPSILON).sqrt().mean(-1)


def euclidean(parameter: LossParameter, errors: Tensor) -> Tensor:
    """Half the sum of squares. Source: Caffe, euclidean_loss_layer.cpp."""
    return errors.square().sum((-1, -2)) / 2


def l1(parameter: LossParameter, errors: Tensor) -> Tensor:
    """Mean of the absolute values."""
    return errors.abs().mean((-1, -2))


def smooth_l1(parameter: LossParameter, errors: Tensor) -> Tensor:
    """x^2 / (2 width) up to `width`, then |x| - width / 2. Source: Girshick, "Fast R-CNN", 2015."""
    loss = F.smooth_l1_loss(errors, torch.zeros_like(errors), reduction="none", beta=parameter.width)
    return loss.mean((-1, -2))


def wing(parameter: LossParameter, errors: Tensor) -> Tensor:
    """The wing: width * ln(1 + |x| / curvature) up to `width`, then a straight line of slope 1.

    Source: Feng et al., "Wing loss for robust facial landmark localisation", CVPR 2018, equation 5.
    """
    width, curvature, size = parameter.width, parameter.curvature, errors.abs()
    bent = width * torch.log1p(size / curvature)
    straight = size - (width - width * math.log1p(width / curvature))
    return torch.where(size < width, bent, straight).mean((-1, -2))


LOSSES: dict[int, Callable[[LossParameter, Tensor], Tensor]] = {
    LossParameter.DISTANCE: distance,
    LossParameter.EUCLIDEAN: euclidean,
    LossParameter.L1: l1,
    LossParameter.SMOOTH_L1: smooth_l1,
    LossParameter.WING: wing,
}
