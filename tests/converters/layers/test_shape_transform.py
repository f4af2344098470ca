"""ShapeTransform against a product of matrices, face by face."""

import numpy as np
import pytest
import torch

from protoface.converters import ProtofaceError, build_graph
from protoface.converters.layers.layer import make_layer

POINTS = 5
SHAPES = [(1, 2 * POINTS), (1, 6)]


def moved(bottoms, blobs):
    pairs = zip(*bottoms, strict=True)
    rows = [shape.reshape(-1, 2) @ six[:4].reshape(2, 2) + six[4:] for shape, six in pairs]
    return np.array(rows).reshape(bottoms[0].shape)


def moved_back(bottoms, blobs):
    pairs = zip(*bottoms, strict=True)
    rows = [
        (shape.reshape(-1, 2) - six[4:]) @ np.linalg.inv(six[:4].reshape(2, 2)) for shape, six in pairs
    ]
    return np.array(rows).reshape(bottoms[0].shape)


@pytest.mark.parametrize(("options", "reference"), [("", moved), ("inverse: true", moved_back)])
def test_every_runtime(parity, options, reference):
    """Noise about 3 has no A that is close to none, whose inverse would be far from exact."""
    options = f"shape_transform_param {{ {options} }}"
    parity("ShapeTransform", options, SHAPES, reference, batches=(1, 5))


@pytest.mark.parametrize("inverse", ["false", "true"])
def test_gradients(one_layer, inverse):
    net = one_layer("ShapeTransform", f"shape_transform_param {{ inverse: {inverse} }}", SHAPES)
    layer = make_layer(net.layer[-1], SHAPES, "net")
    generator = torch.Generator().manual_seed(1)
    points = torch.randn(2, 10, generator=generator, dtype=torch.float64).requires_grad_()
    six = torch.tensor([[1.1, 0.3, -0.3, 1.1, 2, 3]] * 2, dtype=torch.float64).requires_grad_()
    weights = torch.randn(2, 10, generator=generator, dtype=torch.float64)
    (ours,) = layer.forward([points, six], [], train=True)
    turn, shift = six[:, :4].reshape(2, 2, 2), six[:, None, 4:]
    plain = points.reshape(2, -1, 2)
    theirs = (plain - shift) @ torch.linalg.inv(turn) if inverse == "true" else plain @ turn + shift
    torch.testing.assert_close(ours, theirs.reshape(2, -1))
    for one in (points, six):
        found, expected = (
            torch.autograd.grad((value.reshape(2, -1) * weights).sum(), one, retain_graph=True)[0]
            for value in (ours, theirs)
        )
        torch.testing.assert_close(found, expected)


def test_there_and_back(agree, net_of):
    """In every runtime the points come back, to 1e-5 of the largest."""
    net = net_of("""
        layer { name: 'p' type: 'Input' top: 'p' input_param { shape { dim: [1, 10] } } }
        layer { name: 'f' type: 'SimilarityFit' bottom: 'p' top: 'f'
                similarity_fit_param { shape: [30, 40, 80, 42, 55, 60, 35, 85, 75, 90] } }
        layer { name: 't' type: 'ShapeTransform' bottom: 'p' bottom: 'f' top: 't' }
        layer { name: 'b' type: 'ShapeTransform' bottom: 't' bottom: 'f' top: 'y'
                shape_transform_param { inverse: true } }""")
    agree(net, lambda feed: {"y": feed["p"].astype(np.float64)}, (1, 4), shift=0.0, within=1e-5)


@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        ([(1, 10)], "has 1 bottoms"),
        ([(1, 9), (1, 6)], "is no shape"),
        ([(1, 10), (1, 4)], "is not N x 6"),
        ([(2, 10), (1, 6)], "is not N x 6"),
    ],
)
def test_bad_options(one_layer, shapes, message):
    net = one_layer("ShapeTransform", "", shapes)
    with pytest.raises(ProtofaceError, match=rf"layer 'layer' \(ShapeTransform\): .*{message}"):
        build_graph(net, "net")
