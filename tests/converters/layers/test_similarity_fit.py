"""SimilarityFit against normal equations, solved face by face."""

import math

import numpy as np
import pytest
import torch

from protoface.converters import ProtofaceError, build_graph
from protoface.converters.layers.layer import make_layer

from .shapes import fit

SHAPE = [3, 4, 9, 5, 6, 8, 4.5, 11, 8, 12]
OPTIONS = f"similarity_fit_param {{ shape: {SHAPE} }}"


def reference(bottoms, blobs):
    rows = []
    for numbers in bottoms[0]:
        points = torch.tensor(numbers).reshape(-1, 2)
        turn, shift = fit(points, torch.tensor(SHAPE, dtype=points.dtype).reshape(-1, 2))
        rows.append(torch.cat((turn.ravel(), shift)).numpy())
    return np.array(rows)


def layer_of(one_layer, points=5):
    net = one_layer("SimilarityFit", OPTIONS, [(1, 2 * points)])
    return make_layer(net.layer[-1], [(1, 2 * points)], "net")


def test_every_runtime_solves_the_equations(parity):
    parity("SimilarityFit", OPTIONS, [(1, 10)], reference, batches=(1, 2, 7))


def test_gradients(one_layer):
    generator = torch.Generator().manual_seed(1)
    points = torch.rand(1, 10, generator=generator, dtype=torch.float64).mul(20).requires_grad_()
    weights = torch.randn(6, generator=generator, dtype=torch.float64)
    (ours,) = layer_of(one_layer).forward([points], [], train=True)
    turn, shift = fit(points.reshape(-1, 2), torch.tensor(SHAPE, dtype=torch.float64).reshape(-1, 2))
    theirs = torch.cat((turn.ravel(), shift))
    gradients = [
        torch.autograd.grad((six.ravel() * weights).sum(), points)[0] for six in (ours, theirs)
    ]
    torch.testing.assert_close(gradients[0], gradients[1], rtol=1e-8, atol=1e-8)


def test_of_the_shape_itself_it_changes_nothing(one_layer):
    (six,) = layer_of(one_layer).forward([torch.tensor([SHAPE])], [], train=False)
    np.testing.assert_allclose(six, [[1, 0, 0, 1, 0, 0]], atol=1e-5)


def test_recovers_a_known_similarity(one_layer):
    """The shape turned by 30 degrees, 1.7 times as large and moved is carried back."""
    angle, scale, shift = math.radians(30), 1.7, (20, -5)
    a, b = scale * math.cos(angle), scale * math.sin(angle)
    points = np.array(SHAPE).reshape(-1, 2) @ [[a, b], [-b, a]] + shift
    (six,) = layer_of(one_layer).forward([torch.tensor(points.reshape(1, -1))], [], train=False)
    a, b = math.cos(angle) / scale, -math.sin(angle) / scale
    to = -np.array(shift) @ [[a, b], [-b, a]]
    np.testing.assert_allclose(six, [[a, b, -b, a, *to]], rtol=1e-9)


@pytest.mark.parametrize(
    ("shape", "shapes", "message"),
    [
        ("[1, 2, 3]", [(1, 4)], "has a shape of 3 numbers"),
        ("[1, 2, 1, 2]", [(1, 4)], "all in one place"),
        ("[1, 2, 3, 4]", [(1, 4)] * 2, "has 2 bottoms"),
        ("[1, 2, 3, 4]", [(1, 4, 1, 1)], "is no shape"),
    ],
)
def test_bad_options(one_layer, shape, shapes, message):
    net = one_layer("SimilarityFit", f"similarity_fit_param {{ shape: {shape} }}", shapes)
    with pytest.raises(ProtofaceError, match=rf"layer 'layer' \(SimilarityFit\): .*{message}"):
        build_graph(net, "net")
