"""Losses and measures: what a training net ends in and a deployed one does not have."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from .. import caffe_pb2
from ..blobs import Shape
from .layer import Layer, register
from .similarity import expect_shape

if TYPE_CHECKING:
    import torch

FULL, VALID, BATCH_SIZE = (
    caffe_pb2.LossParameter.FULL,
    caffe_pb2.LossParameter.VALID,
    caffe_pb2.LossParameter.BATCH_SIZE,
)
LOWEST_PROBABILITY = 1.1754943508222875e-38  # FLT_MIN, below which Caffe takes no logarithm


@register("ContrastiveLoss", "HingeLoss", "InfogainLoss", "MultinomialLogisticLoss")
class Loss(Layer):
    """Compares an output with a label during training and testing."""

    left_out = "compares with labels; a deployed net ends in its outputs"
    #: Weight of the first top in the sum that is minimised, where `loss_weight` does not give one.
    default_weight = 1.0
    #: Whether a label is the number of a class, rather than shaped as the output it is compared with.
    classes = False

    def tops(self) -> list[Shape]:
        return [() for _ in self.param.top]

    def check_trainable(self) -> None:
        """Fail for a loss that only a deployed net, which leaves it out, may have."""
        if type(self) is Loss:
            self.fail("cannot be trained or tested here; docs/training.md lists the losses that can")

    def expect_equal_bottoms(self) -> None:
        """Fail unless the first two bottoms hold equally many values per picture."""
        if len(self.bottoms) < 2:
            self.fail(f"has {len(self.bottoms)} bottoms, Caffe takes 2")
        first, second = self.bottoms[:2]
        if math.prod(first) != math.prod(second) or first[:1] != second[:1]:
            self.fail(f"its bottoms {list(first)} and {list(second)} differ in size")


@register("EuclideanLoss")
class EuclideanLoss(Loss):
    """sum((a - b)^2) / 2N, N the batch size.

    Source: Caffe, src/caffe/layers/euclidean_loss_layer.cpp.
    """

    def check(self) -> None:
        self.expect_equal_bottoms()
        self.expect_bottoms(2)

    def forward(
        self, bottoms: list[torch.Tensor], blobs: list[torch.Tensor], train: bool
    ) -> list[torch.Tensor]:
        difference = bottoms[0] - bottoms[1].reshape(bottoms[0].shape)
        return [difference.square().sum() / (2 * bottoms[0].shape[0])]


@register("PointDistanceLoss")
class PointDistanceLoss(Loss):
    """Mean distance of points over that of places `a` and `b` of the truth, such as the eyes.

    Bottoms are shapes, found and true, N x (x1 y1 x2 y2 ...); the mean over all faces. Not in BVLC
    Caffe: the loss of DAN (Kowalski, Naruniec, Trzcinski, CVPRW 2017), distances and not their squares.
    """

    def check(self) -> None:
        self.expect_equal_bottoms()
        self.expect_bottoms(2)
        points, options = expect_shape(self, 0), self.param.point_distance_loss_param
        self.places = list(options.a), list(options.b)
        if not all(self.places) or max(map(max, self.places)) >= points:
            self.fail(f"needs numbers of points, 0 to {points - 1}, in both a and b")

    def forward(
        self, bottoms: list[torch.Tensor], blobs: list[torch.Tensor], train: bool
    ) -> list[torch.Tensor]:
        found, truth = (bottom.reshape(len(bottom), -1, 2) for bottom in bottoms)
        first, second = (truth[:, place].mean(1) for place in self.places)
        lengths = (first - second).norm(dim=1)
        return [((found - truth).norm(dim=2).mean(1) / lengths).mean()]


@register("SmoothL1Loss")
class SmoothL1Loss(Loss):
    """sum(|d| < 1 ? d^2 / 2 : |d| - 1/2) / N, with optional weights inside and outside.

    Not in BVLC Caffe. Source: Fast R-CNN's fork of Caffe, smooth_L1_loss_layer.cpp, sigma 1: bottoms
    prediction, target and, if given, weights of the difference and of the loss.
    """

    def check(self) -> None:
        self.expect_equal_bottoms()
        if len(self.bottoms) not in (2, 4):
            self.fail(f"has {len(self.bottoms)} bottoms, it takes 2, or 4 with weights")

    def forward(
        self, bottoms: list[torch.Tensor], blobs: list[torch.Tensor], train: bool
    ) -> list[torch.Tensor]:
        from torch.nn.functional import smooth_l1_loss

        prediction, target, *weights = (bottom.reshape(bottoms[0].shape) for bottom in bottoms)
        if weights:
            prediction, target = prediction * weights[0], target * weights[0]
        loss = smooth_l1_loss(prediction, target, reduction="none")
        return [(loss * weights[1] if weights else loss).sum() / bottoms[0].shape[0]]


@register("SigmoidCrossEntropyLoss")
class SigmoidCrossEntropyLoss(Loss):
    """Cross entropy of sigmoid(x) with targets in 0..1, over the batch size unless told otherwise.

    Source: Caffe, src/caffe/layers/sigmoid_cross_entropy_loss_layer.cpp.
    """

    def check(self) -> None:
        self.expect_equal_bottoms()

    def forward(
        self, bottoms: list[torch.Tensor], blobs: list[torch.Tensor], train: bool
    ) -> list[torch.Tensor]:
        from torch.nn.functional import binary_cross_entropy_with_logits

        x, options = bottoms[0], self.param.loss_param
        target = bottoms[1].reshape(x.shape)
        loss = binary_cross_entropy_with_logits(x, target, reduction="none")
        kept = None
        if options.HasField("ignore_label"):
            kept = target != options.ignore_label
            loss = loss * kept
        return [loss.sum() / normalizer(self.param.loss_param, BATCH_SIZE, x.shape[0], x.numel(), kept)]


@register("SoftmaxWithLoss")
class SoftmaxWithLoss(Loss):
    """-log(softmax(x)[label]), the mean over all labels that count; a second top is the softmax.

    Source: Caffe, src/caffe/layers/softmax_loss_layer.cpp.
    """

    classes = True

    def check(self) -> None:
        self.expect_bottoms(2)
        self.along = self.axis(self.param.softmax_param.axis)
        first = self.bottoms[0]
        labels = math.prod(first[: self.along]) * math.prod(first[self.along + 1 :])
        if math.prod(self.bottoms[1]) != labels:
            self.fail(f"needs {labels} labels for {list(first)}, its second bottom has another number")

    def tops(self) -> list[Shape]:
        return [(), self.bottoms[0]][: len(self.param.top)]

    def forward(
        self, bottoms: list[torch.Tensor], blobs: list[torch.Tensor], train: bool
    ) -> list[torch.Tensor]:
        scores, options = bottoms[0].movedim(self.along, -1), self.param.loss_param
        label = bottoms[1].reshape(scores.shape[:-1]).long()
        kept = label != options.ignore_label if options.HasField("ignore_label") else None
        chosen = label if kept is None else label.where(kept, 0)
        loss = -scores.log_softmax(-1).gather(-1, chosen[..., None])[..., 0]
        loss = loss.clamp(max=-math.log(LOWEST_PROBABILITY))
        if kept is not None:
            loss = loss * kept
        outer = math.prod(bottoms[0].shape[: self.along])
        mean = loss.sum() / normalizer(options, VALID, outer, label.numel(), kept)
        return [mean, bottoms[0].softmax(self.along)][: len(self.param.top)]


@register("Accuracy")
class Accuracy(Loss):
    """Share of labels that are among the `top_k` highest scores; it is not minimised.

    Source: Caffe, src/caffe/layers/accuracy_layer.cpp.
    """

    default_weight = 0.0
    classes = True

    def check(self) -> None:
        self.expect_bottoms(2)
        if len(self.param.top) > 1:
            self.fail("the accuracy per class (second top) is not supported")
        self.along = self.axis(self.param.accuracy_param.axis)

    def forward(
        self, bottoms: list[torch.Tensor], blobs: list[torch.Tensor], train: bool
    ) -> list[torch.Tensor]:
        scores, options = bottoms[0].movedim(self.along, -1), self.param.accuracy_param
        label = bottoms[1].reshape(scores.shape[:-1]).long()
        kept = label != options.ignore_label if options.HasField("ignore_label") else label == label
        own = scores.gather(-1, label.where(kept, 0)[..., None])
        # as Caffe since 2017: equal scores count as higher ones
        higher = (scores >= own).sum(-1) - 1
        right = (higher < options.top_k) & kept
        return [right.sum().to(scores.dtype) / kept.sum().clamp(min=1)]


def normalizer(
    options: caffe_pb2.LossParameter,
    default: caffe_pb2.LossParameter.NormalizationMode,
    outer: int,
    labels: int,
    kept: torch.Tensor | None,
) -> torch.Tensor | float:
    """What the summed loss is divided by: all labels, those kept, the batch size, or 1.

    `normalization` comes before the older `normalize`. Source: Caffe, loss_layer.cpp and
    softmax_loss_layer.cpp, get_normalizer.
    """
    mode = default
    if options.HasField("normalization"):
        mode = options.normalization
    elif options.HasField("normalize"):
        mode = VALID if options.normalize else BATCH_SIZE
    if mode == VALID and kept is not None:
        return kept.sum().clamp(min=1)
    return float({FULL: labels, VALID: labels, BATCH_SIZE: outer}.get(mode, 1))
