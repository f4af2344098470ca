"""Fillers: distributions against their formulas, and what is refused."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from protoface.converters import ProtofaceError, caffe_pb2, filter_net
from protoface.converters.fillers import fill, fill_blob
from protoface.converters.prototxt import parse_message

NET = """
name: "tiny"
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 3 dim: 8 dim: 8 } } }
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv" convolution_param {
  num_output: 4 kernel_size: 3 weight_filler { type: "TYPE" } } }
layer { name: "bn" type: "BatchNorm" bottom: "conv" top: "conv" }
layer { name: "scale" type: "Scale" bottom: "conv" top: "conv" scale_param { bias_term: true } }
"""


def tiny(filler: str) -> caffe_pb2.NetParameter:
    return filter_net(parse_message(NET.replace("TYPE", filler), caffe_pb2.NetParameter(), "tiny"))


def draw(text: str, shape: tuple[int, ...] = (200, 30, 3, 3)) -> NDArray[np.float64]:
    filler = parse_message(text, caffe_pb2.FillerParameter(), "filler")
    return fill_blob(filler, shape, np.random.default_rng(1))


def test_bilinear_enlarges_as_interpolation_does() -> None:
    kernel = draw('type: "bilinear"', (2, 1, 4, 4))
    line = np.array([0.25, 0.75, 0.75, 0.25])
    np.testing.assert_array_equal(kernel, np.broadcast_to(np.outer(line, line), (2, 1, 4, 4)))


@pytest.mark.parametrize(
    ("text", "mean", "std"),
    [
        ('type: "constant" value: 0.3', float(np.float32(0.3)), 0),
        ('type: "uniform" min: -1 max: 3', 1, 4 / math.sqrt(12)),
        ('type: "gaussian" mean: 2 std: 0.5', 2, 0.5),
        ('type: "xavier"', 0, math.sqrt(1 / 270)),
        ('type: "xavier" variance_norm: FAN_OUT', 0, math.sqrt(1 / 1800)),
        ('type: "msra"', 0, math.sqrt(2 / 270)),
        ('type: "msra" variance_norm: AVERAGE', 0, math.sqrt(2 / 1035)),
    ],
)
def test_mean_and_deviation(text: str, mean: float, std: float) -> None:
    values = draw(text)
    assert values.mean() == pytest.approx(mean, abs=5 * std / math.sqrt(values.size) + 1e-12)
    assert values.std() == pytest.approx(std, rel=0.02, abs=1e-12)


def test_limits_of_the_uniform_ones() -> None:
    assert abs(draw('type: "xavier"')).max() <= math.sqrt(3 / 270)
    ball = draw('type: "positive_unitball"')
    assert ball.min() >= 0
    np.testing.assert_allclose(ball.sum(axis=(1, 2, 3)), 1, rtol=1e-12)


def test_sparse_keeps_that_many_of_every_output() -> None:
    values = draw('type: "gaussian" sparse: 20')
    assert (values != 0).mean() == pytest.approx(20 / 200, rel=0.05)


def test_fill_is_repeatable_and_knows_each_layers_defaults() -> None:
    first, again, other = (fill(tiny("msra"), seed) for seed in (7, 7, 8))
    assert first.SerializeToString() == again.SerializeToString()
    assert list(first.layer[1].blobs[0].data) != list(other.layer[1].blobs[0].data)
    assert [list(blob.data) for blob in first.layer[2].blobs] == [[0] * 4, [0] * 4, [0]]
    assert [list(blob.data) for blob in first.layer[3].blobs] == [[1] * 4, [0] * 4]


def test_unknown_filler_names_the_layer() -> None:
    with pytest.raises(
        ProtofaceError, match=r"layer 'conv', blob 0: unknown filler 'he'; known: const"
    ):
        fill(tiny("he"), 1)


@pytest.mark.parametrize(
    ("text", "shape", "message"),
    [
        ('type: "bilinear"', (2, 1, 4, 3), "square"),
        ('type: "xavier"', (), "fan-in"),
        ('type: "positive_unitball"', (), "ball"),
        ('type: "xavier" sparse: 3', (4, 4), "sparse works with"),
        ('type: "gaussian" sparse: 5', (4, 4), "sparse 5"),
        ('type: "gaussian" std: -1', (4, 4), "std -1"),
        ('type: "uniform" min: 2 max: 1', (4, 4), "min 2"),
    ],
)
def test_refused(text: str, shape: tuple[int, ...], message: str) -> None:
    with pytest.raises(ProtofaceError, match=message):
        draw(text, shape)
