"""ShapeHeatmap against a loop over pixels and points, in values, gradients and time."""

import math
import time

import numpy as np
import pytest
import torch

from protoface.converters import ProtofaceError, build_graph
from protoface.converters.layers.layer import make_layer

from ..parity import runtimes
from .shapes import heat_map

#: Options, and what the loop is given for them; a picture of 20 x 24 pixels.
SETTINGS = [
    ("half_size: 3", {"half": 3, "last": 3}),
    ("half_size: 3 inclusive: false", {"half": 3, "last": 2}),
    ("half_size: 4 clamp: false", {"half": 4, "last": 4, "clamp": False}),
    ("half_size: 0", {"half": 0, "clamp": False}),
    ("", {"half": 8, "last": 8}),
]
#: Inside, overlapping, at the corners, far outside.
POINTS = [
    [[6, 7], [8.3, 7.6], [12.25, 10.5], [0, 0]],
    [[23, 19], [-3.5, 5], [40, 9.9], [11.5, 10.01]],
]


def layer_of(one_layer, options, points=4, height=20, width=24):
    options = f"shape_heatmap_param {{ height: {height} width: {width} {options} }}"
    shape = (1, 2 * points)
    return make_layer(one_layer("ShapeHeatmap", options, [shape]).layer[-1], [shape], "net")


@pytest.mark.parametrize(("options", "settings"), SETTINGS)
def test_every_runtime(one_layer, options, settings):
    points = torch.tensor(POINTS, dtype=torch.float64)
    expected = torch.stack([heat_map(face, 20, 24, **settings) for face in points])[:, None].numpy()
    assert expected.max() > 0.9
    options = f"shape_heatmap_param {{ height: 20 width: 24 {options} }}"
    net = one_layer("ShapeHeatmap", options, [(1, 8)])
    build_graph(net, "net")
    for name, run in runtimes(net).items():
        found = run({"x0": points.reshape(2, -1).numpy().astype(np.float32)})["y"]
        np.testing.assert_allclose(found, expected, atol=1e-5, err_msg=name)


@pytest.mark.parametrize(("options", "settings"), SETTINGS)
def test_gradients(one_layer, options, settings):
    points = (torch.tensor(POINTS, dtype=torch.float64) + 0.037).requires_grad_()
    (ours,) = layer_of(one_layer, options).forward([points.reshape(2, -1)], [], train=True)
    theirs = torch.stack([heat_map(face, 20, 24, **settings) for face in points])[:, None]
    weights = torch.randn(ours.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    found, expected = (
        torch.autograd.grad((value * weights).sum(), points)[0] for value in (ours, theirs)
    )
    assert expected.abs().max() > 0.1
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)


def test_one_on_a_point_half_a_pixel_away_and_the_maximum(one_layer):
    layer = layer_of(one_layer, "", points=2, height=112, width=112)
    (value,) = layer.forward([torch.tensor([[50.0, 40, 53, 40]])], [], train=False)
    row = value[0, 0, 40]
    assert row[50] == pytest.approx(1, abs=1e-5)
    assert row[53] == pytest.approx(1, abs=1e-5)
    assert row[49] == pytest.approx(0.5)
    assert value[0, 0, 41, 50] == pytest.approx(0.5)
    assert row[51] == pytest.approx(0.5)  # not 1 / 2 + 1 / 3
    assert row[50 - 8] == pytest.approx(1 / 9)
    assert row[50 - 9] == 0
    assert value.max() <= 1


def test_points_that_are_no_numbers_are_not_drawn(one_layer):
    layer = layer_of(one_layer, "half_size: 3")
    (value,) = layer.forward([torch.tensor([[math.nan, 5, 6, 7, 8, 9, math.inf, 1]])], [], train=False)
    assert value.shape == (1, 1, 20, 24)
    assert value[0, 0, 7, 6] == pytest.approx(1, abs=1e-5)


def published_loop(landmarks, size=112, half=8):
    """The published script's way, point by point and pixel by pixel (its names: half_size, img)."""
    img = np.zeros((1, size, size), np.float32)
    for landmark in landmarks:
        whole = landmark.astype(np.int32)
        part = landmark - whole
        for i in range(-half, half):
            for j in range(-half, half):
                offset = np.array([i, j], np.float32) - part
                value = 1 / (1 + np.sqrt(np.sum(offset * offset)))
                y, x = whole[1] + j, whole[0] + i
                img[0, y, x] = max(img[0, y, x], value)
    return img


@pytest.mark.benchmark
def test_a_hundred_times_the_published_speed(one_layer):
    """64 faces of 68 points at 112 x 112."""
    points = np.random.default_rng(0).uniform(8, 103, (64, 68, 2)).astype(np.float32)
    layer = layer_of(one_layer, "inclusive: false", 68, 112, 112)
    rows = torch.tensor(points.reshape(64, -1))
    took = []
    for _ in range(5):
        start = time.perf_counter()
        (found,) = layer.forward([rows], [], train=False)
        took.append(time.perf_counter() - start)
    start = time.perf_counter()
    expected = np.array([published_loop(face) for face in points[:4]])
    loop = (time.perf_counter() - start) * 16
    np.testing.assert_allclose(found[:4], expected, atol=1e-5)
    print(f"64 heat maps: {min(took) * 1e3:.1f} ms, by loops {loop * 1e3:.0f} ms")
    assert loop >= 100 * min(took)


@pytest.mark.parametrize(
    ("options", "shape", "message"),
    [
        ("height: 20", (1, 8), "needs a height and a width"),
        ("height: 16 width: 20", (1, 8), "squares of half_size 8 do not fit in 16 x 20"),
        ("height: 20 width: 20", (1, 7), "is no shape"),
    ],
)
def test_bad_options(one_layer, options, shape, message):
    net = one_layer("ShapeHeatmap", f"shape_heatmap_param {{ {options} }}", [shape])
    with pytest.raises(ProtofaceError, match=rf"layer 'layer' \(ShapeHeatmap\): .*{message}"):
        build_graph(net, "net")
