"""Losses and measures: what a training net ends in and a deployed one does not have."""

from __future__ import annotations

from ..blobs import Shape
from .registry import Layer, register


@register(
    "EuclideanLoss",
    "SoftmaxWithLoss",
    "SigmoidCrossEntropyLoss",
    "SmoothL1Loss",
    "ContrastiveLoss",
    "HingeLoss",
    "InfogainLoss",
    "MultinomialLogisticLoss",
    "Accuracy",
)
class Loss(Layer):
    """Compares an output with a label during training and testing."""

    left_out = "compares with labels; a deployed net ends in its outputs"

    def tops(self) -> list[Shape]:
        return [() for _ in self.param.top]
