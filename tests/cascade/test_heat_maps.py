"""Heat maps against the layer's, and against the published script's loop in time."""

import time

import numpy as np
import pytest
import torch

from protoface.cascade.heat_maps import HeatMap, heat_maps
from protoface.converters import caffe_pb2
from protoface.converters.layers.layer import make_layer

from ..converters.layers.test_shape_heatmap import published_loop


def layer_of(like: HeatMap, points: int):
    param = caffe_pb2.LayerParameter(name="layer", type="ShapeHeatmap")
    options = param.shape_heatmap_param
    options.height, options.width, options.half_size = like.height, like.width, like.half
    options.inclusive, options.clamp = like.half == like.last, like.clamp
    return make_layer(param, [(1, 2 * points)], "net")


@pytest.mark.parametrize(
    "like",
    [
        HeatMap(40, 30),
        HeatMap(40, 30, 3, 2),
        HeatMap(40, 30, 5, 5, clamp=False),
        HeatMap(40, 30, 0, 0, clamp=False),
    ],
)
def test_as_the_layer(like):
    points = np.random.default_rng(0).uniform(-20, 60, (6, 9, 2)).astype(np.float32)
    points[0, 0] = 7
    rows = torch.tensor(points.reshape(6, -1))
    (expected,) = layer_of(like, 9).forward([rows], [], train=False)
    np.testing.assert_allclose(heat_maps(points, like)[:, None], expected, atol=1e-5)


def test_points_that_are_no_numbers_show_nothing():
    points = np.full((2, 3, 2), np.nan)
    points[1] = [[4, 5], [np.nan, 3], [9, 9]]
    for like in (HeatMap(20, 20, 3, 3), HeatMap(20, 20, 0, 0, False)):
        found = heat_maps(points, like)
        assert not found[0].any()
        assert found[1, 5, 4] == 1
        assert np.isfinite(found).all()


def test_no_faces():
    for half in (0, 8):
        assert heat_maps(np.zeros((0, 68, 2)), HeatMap(24, 20, half, half)).shape == (0, 24, 20)


@pytest.mark.benchmark
def test_a_hundred_times_the_published_speed():
    """64 faces of 68 points at 112 x 112."""
    points = np.random.default_rng(0).uniform(8, 103, (64, 68, 2)).astype(np.float32)
    took = []
    for _ in range(5):
        start = time.perf_counter()
        found = heat_maps(points, HeatMap(112, 112, 8, 7))
        took.append(time.perf_counter() - start)
    start = time.perf_counter()
    expected = np.array([published_loop(face) for face in points[:4]])
    loop = (time.perf_counter() - start) * 16
    np.testing.assert_allclose(found[:4, None], expected, atol=1e-5)
    print(f"64 heat maps: {min(took) * 1e3:.1f} ms, by loops {loop * 1e3:.0f} ms")
    assert loop >= 100 * min(took)
