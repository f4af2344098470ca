"""Losses and measures: their formulas, and that a deployed net is without them."""

import numpy as np
import pytest
import torch

from protoface.converters import ProtofaceError, build_graph, deployed
from protoface.converters.layers import layer_types

LOSSES = sorted(name for name, kind in layer_types().items() if kind.__module__.endswith("losses"))


@pytest.mark.parametrize("kind", LOSSES)
def test_a_deployed_net_is_without_losses_and_labels(net_of, kind):
    net = net_of(f"""
        layer {{ name: 'in' type: 'Input' top: 'x' input_param {{ shape {{ dim: [1, 2] }} }} }}
        layer {{ name: 'd' type: 'ImageData' top: 'label' }}
        layer {{ name: 'r' type: 'ReLU' bottom: 'x' top: 'y' }}
        layer {{ name: 'l' type: '{kind}' bottom: 'y' bottom: 'label' top: 'loss' }}""")
    kept = deployed(net)
    assert [layer.name for layer in kept.layer] == ["in", "r"]
    assert [value.blob for value in build_graph(kept, "net").outputs] == ["y"]


#: Two points of four faces.
Y = np.arange(16.0).reshape(4, 4)


def loss_of(net_of, kind, shapes, arrays, options=""):
    """Tops of one loss layer on the arrays, in float64, and the gradient of the first by its bottom."""
    inputs = "".join(
        f"layer {{ name: 'x{i}' type: 'Input' top: 'x{i}' "
        f"input_param {{ shape {{ dim: {list(s)} }} }} }}"
        for i, s in enumerate(shapes)
    )
    bottoms = "".join(f" bottom: 'x{i}'" for i in range(len(shapes)))
    net = net_of(f"{inputs} layer {{ name: 'l' type: '{kind}'{bottoms} top: 'loss' {options} }}")
    layer = build_graph(net, "net").nodes[-1].layer
    tensors = [torch.tensor(array, dtype=torch.float64) for array in arrays]
    tensors[0].requires_grad_()
    tops = layer.forward(tensors, [], True)
    if tops[0].requires_grad:
        tops[0].backward()
    return float(tops[0].detach()), tensors[0].grad


X = np.random.default_rng(0).normal(0, 2, (4, 3))
T = np.random.default_rng(1).uniform(0, 1, (4, 3))
SMOOTH = np.where(np.abs(X - T) < 1, (X - T) ** 2 / 2, np.abs(X - T) - 0.5)
SIGMOID = -(T * np.log(1 / (1 + np.exp(-X))) + (1 - T) * np.log(1 - 1 / (1 + np.exp(-X))))


@pytest.mark.parametrize(
    ("kind", "options", "expected", "gradient"),
    [
        ("EuclideanLoss", "", ((X - T) ** 2).sum() / 8, (X - T) / 4),
        ("SmoothL1Loss", "", SMOOTH.sum() / 4, np.clip(X - T, -1, 1) / 4),
        ("SigmoidCrossEntropyLoss", "", SIGMOID.sum() / 4, (1 / (1 + np.exp(-X)) - T) / 4),
        (
            "SigmoidCrossEntropyLoss",
            "loss_param { normalization: FULL }",
            SIGMOID.sum() / 12,
            (1 / (1 + np.exp(-X)) - T) / 12,
        ),
        (
            "SigmoidCrossEntropyLoss",
            "loss_param { normalization: NONE }",
            SIGMOID.sum(),
            1 / (1 + np.exp(-X)) - T,
        ),
    ],
)
def test_value_and_gradient(net_of, kind, options, expected, gradient):
    value, found = loss_of(net_of, kind, [(4, 3), (4, 3)], [X, T], options)
    assert value == pytest.approx(expected, rel=1e-12)
    np.testing.assert_allclose(found, gradient, rtol=1e-12)


def test_smooth_l1_with_weights_inside_and_outside(net_of):
    inside, outside = np.full((4, 3), 0.5), np.arange(12.0).reshape(4, 3)
    d = 0.5 * (X - T)
    smooth = np.where(np.abs(d) < 1, d**2 / 2, np.abs(d) - 0.5)
    value, _ = loss_of(net_of, "SmoothL1Loss", [(4, 3)] * 4, [X, T, inside, outside])
    assert value == pytest.approx((outside * smooth).sum() / 4, rel=1e-12)


def test_point_distances_over_that_of_the_eyes(net_of):
    """Against plain loops in PyTorch: faces of six points, the eyes two points each."""
    generator = torch.Generator().manual_seed(0)
    found = torch.rand(3, 12, generator=generator, dtype=torch.float64)
    truth = torch.rand(3, 12, generator=generator, dtype=torch.float64)
    ours, gradient = loss_of(
        net_of,
        "PointDistanceLoss",
        [(3, 12)] * 2,
        [found.numpy(), truth.numpy()],
        "point_distance_loss_param { a: [0, 1] b: [4, 5] }",
    )
    found.requires_grad_()
    total = 0.0
    for one, other in zip(found.reshape(3, 6, 2), truth.reshape(3, 6, 2), strict=True):
        eyes = (other[0] + other[1]) / 2 - (other[4] + other[5]) / 2
        distances = [((p - q) ** 2).sum().sqrt() for p, q in zip(one, other, strict=True)]
        total = total + sum(distances) / 6 / (eyes**2).sum().sqrt() / 3
    assert ours == pytest.approx(total.item(), rel=1e-12)
    torch.testing.assert_close(gradient, torch.autograd.grad(total, found)[0])


def test_of_points_that_are_right_the_gradient_is_a_number(net_of):
    options = "point_distance_loss_param { a: 0 b: 1 }"
    value, gradient = loss_of(net_of, "PointDistanceLoss", [(4, 4)] * 2, [Y, Y], options)
    assert value == 0
    np.testing.assert_array_equal(gradient, 0)


LABEL = np.array([0, 2, 1, 2])
LOGS = -(X - np.log(np.exp(X).sum(1, keepdims=True)))[np.arange(4), LABEL]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ("", LOGS.mean()),
        ("loss_param { normalization: BATCH_SIZE }", LOGS.mean()),
        ("loss_param { normalization: NONE }", LOGS.sum()),
        ("loss_param { ignore_label: 2 }", LOGS[[0, 2]].mean()),
        ("loss_param { ignore_label: 2 normalization: FULL }", LOGS[[0, 2]].sum() / 4),
        ("loss_param { ignore_label: 2 normalize: false }", LOGS[[0, 2]].sum() / 4),
        ("loss_param { ignore_label: 2 normalize: true }", LOGS[[0, 2]].mean()),
    ],
)
def test_softmax_with_loss(net_of, options, expected):
    value, _ = loss_of(net_of, "SoftmaxWithLoss", [(4, 3), (4,)], [X, LABEL], options)
    assert value == pytest.approx(expected, rel=1e-12)


def test_softmax_with_loss_of_every_pixel(net_of):
    x = X.T.reshape(1, 3, 2, 2)
    value, _ = loss_of(
        net_of, "SoftmaxWithLoss", [(1, 3, 2, 2), (1, 1, 2, 2)], [x, LABEL.reshape(1, 1, 2, 2)]
    )
    assert value == pytest.approx(LOGS.mean(), rel=1e-12)


def test_accuracy(net_of):
    scores = np.array([[3, 2, 1], [3, 2, 1], [1, 2, 3], [1, 1, 3]], float)
    for options, expected in (
        ("", 2 / 4),
        ("accuracy_param { top_k: 2 }", 3 / 4),
        ("accuracy_param { ignore_label: 1 }", 2 / 3),
    ):
        label = np.array([0, 1, 0, 2])
        value, _ = loss_of(net_of, "Accuracy", [(4, 3), (4,)], [scores, label], options)
        assert value == pytest.approx(expected)


@pytest.mark.parametrize(
    ("kind", "shapes", "message"),
    [
        ("EuclideanLoss", [(4, 3), (4, 2)], r"\[4, 3\] and \[4, 2\] differ in size"),
        ("EuclideanLoss", [(4, 3)], "has 1 bottoms"),
        ("SmoothL1Loss", [(4, 3)] * 3, "it takes 2, or 4 with weights"),
        ("SoftmaxWithLoss", [(4, 3), (4, 3)], "needs 4 labels"),
        ("PointDistanceLoss", [(4, 6), (4, 6)], "needs numbers of points, 0 to 2, in both a and b"),
        ("PointDistanceLoss", [(4, 5), (4, 5)], "is no shape"),
    ],
)
def test_refused(net_of, kind, shapes, message):
    with pytest.raises(ProtofaceError, match=f"layer 'l' .*{message}"):
        loss_of(net_of, kind, shapes, [])
