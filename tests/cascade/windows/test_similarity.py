"""The similarity window: where its shape lies over the points, with patches, of any layout."""

import numpy as np
import pytest
import torch

from protoface.cascade.face import bounds
from protoface.cascade.layouts import find_layout
from protoface.cascade.windows.sampling import sampling_matrix
from protoface.cascade.windows.similarity import LARGEST
from protoface.cascade.windows.similarity_fit import fit
from protoface.cascade.windows.window import NOTHING, to_picture, to_window
from protoface.cascade.windows.window_kind import WindowKind
from protoface.converters import ProtofaceError, caffe_pb2
from protoface.converters.layers.layer import make_layer
from protoface.converters.layers.similarity import inverted

from .rules import rule

SHAPE = np.array([(-0.37, -0.41), (0.38, -0.42), (-0.01, 0.04), (-0.33, 0.39), (0.33, 0.4)])
SIZE = (200, 250)
LAYOUTS = pytest.mark.parametrize("layout", ["celeba5", "ibug68"])


def shape_of(layout: str) -> np.ndarray:
    """SHAPE, or so many points with some extent."""
    count = len(find_layout(layout))
    return SHAPE if count == 5 else np.random.default_rng(1).uniform(-0.5, 0.5, (count, 2))


def similarity(
    shape: np.ndarray,
    upright: bool = True,
    patch: float = 0,
    layout: str = "celeba5",
    mode: str = "clean",
) -> WindowKind:
    points = " ".join(f"shape {{ x: {x!r} y: {y!r} }}" for x, y in shape.tolist())
    more = "" if upright else "upright: false"
    parts = f"patch: {patch}" if patch else ""
    return rule(f"similarity {{ {points} {more} {parts} }}", mode, find_layout(layout))


@LAYOUTS
@pytest.mark.parametrize("patch", [0, 0.3])
@pytest.mark.parametrize("upright", [True, False])
def test_over_the_points_and_back(upright, patch, layout):
    shape = shape_of(layout)
    points = shape.astype(np.float32) * 60 + np.float32((120, 90))
    window = similarity(shape, upright, patch, layout).over(SIZE, None, points)
    assert window.width == pytest.approx(121, abs=1e-3)
    assert len(window.patches) == (len(shape) if patch else 0)
    truth = points + np.random.default_rng(0).normal(size=shape.shape) * 5
    output = to_window(truth, window).astype(np.float32)
    np.testing.assert_allclose(to_picture(output.reshape(-1), window), truth, atol=1e-4)
    if not patch:
        np.testing.assert_allclose(to_window(points, window), shape, atol=1e-5)
        return
    np.testing.assert_allclose(to_window(points, window), np.zeros_like(shape), atol=1e-5)
    for part, point in zip(window.patches, points, strict=True):
        assert part.centre == pytest.approx(tuple(point))
        assert part.width == pytest.approx(0.3 * 121, abs=1e-3)
        assert part.angle == window.angle


@LAYOUTS
@pytest.mark.parametrize("upright", [True, False])
def test_it_is_the_fit_whatever_the_points(upright, layout):
    shape = shape_of(layout)
    generator = np.random.default_rng(2)
    for _ in range(20):
        turn = generator.uniform(-3, 3)
        rotation = np.array([(np.cos(turn), np.sin(turn)), (-np.sin(turn), np.cos(turn))])
        points = shape @ rotation * generator.uniform(20, 90) + generator.uniform(60, 140, 2)
        points = (points + generator.normal(size=points.shape) * 3).astype(np.float32)
        window = similarity(shape, upright, layout=layout).over(SIZE, None, points)
        cx, cy, side, angle = fit(np.float32(shape), points, upright)
        assert window.centre == pytest.approx((cx, cy), abs=1e-4)
        assert (window.width, window.height, window.angle) == pytest.approx(
            (side, side, angle), abs=1e-3
        )


def test_it_needs_points_alone():
    kind = similarity(SHAPE)
    assert kind.needs_points
    assert not kind.needs_box
    assert not kind.whole
    assert (kind.patch, similarity(SHAPE, patch=0.25).patch) == (0, 0.25)


@pytest.mark.parametrize(
    "points",
    [
        np.zeros((5, 2)),
        np.full((5, 2), np.nan),
        np.full((5, 2), np.inf),
        SHAPE * 1e-3,
        SHAPE * 1e4,
        SHAPE * 1e20,
        SHAPE * 50 + 500,
    ],
)
@pytest.mark.parametrize("patch", [0, 0.3])
def test_points_without_a_window_have_none(points, patch):
    assert similarity(SHAPE, patch=patch).over(SIZE, None, points.astype(np.float32)) is NOTHING


def test_the_largest_and_the_smallest():
    """A side of LARGEST times the picture's longer one, and of two pixels; a patch counts by itself."""

    def seen(side: float, patch: float = 0) -> bool:
        points = (SHAPE - SHAPE.mean(0)) * (side - 1) / 2 + 100
        return not similarity(SHAPE, patch=patch).over(SIZE, None, points.astype(np.float32)).empty

    assert seen(LARGEST * 250 - 1)
    assert not seen(LARGEST * 250 + 1)
    assert seen(2.01)
    assert not seen(1.99)
    assert seen(8.1, 0.25)
    assert not seen(7.9, 0.25)


def test_faithful_mode_does_not_have_it():
    with pytest.raises(
        ProtofaceError,
        match="stage 's' looks through a similarity window, which faithful mode does not",
    ):
        similarity(SHAPE, mode="faithful")


@pytest.mark.parametrize(
    ("shape", "layout", "message"),
    [
        (SHAPE[:4], "celeba5", "needs a shape of 5 points, not all of them in one place"),
        (SHAPE, "ibug68", "needs a shape of 68 points, not all of them in one place"),
        (np.zeros((5, 2)), "celeba5", "needs a shape of 5 points"),
        (SHAPE * (1, np.nan), "celeba5", "needs a shape of 5 points"),
        (SHAPE * (np.inf, 1), "celeba5", "needs a shape of 5 points"),
    ],
)
def test_a_shape_that_is_none_is_named_with_the_stage(shape, layout, message):
    with pytest.raises(ProtofaceError, match=f"stage 's': {message}"):
        similarity(shape, layout=layout)


@pytest.mark.parametrize("patch", [-0.1, 1.5, float("nan")])
def test_a_patch_is_a_part_of_the_window(patch):
    with pytest.raises(ProtofaceError, match=f"stage 's': patch is {patch:g}, it must be above 0"):
        similarity(SHAPE, patch=patch)


def framed(more: str, shape: np.ndarray = SHAPE) -> WindowKind:
    """A window over a frame of 64 pixels in which the shape lies."""
    points = " ".join(f"shape {{ x: {x!r} y: {y!r} }}" for x, y in pixels_of(shape).tolist())
    return rule(f"similarity {{ {points} frame: 64 {more} }}", "clean", find_layout("celeba5"))


def pixels_of(shape: np.ndarray) -> np.ndarray:
    return (shape + 1) * 31.5


@pytest.mark.parametrize("more", ["", "robust: false"])
def test_a_frame_lies_pixel_on_pixel(more):
    """Points that lie as the shape does: what a net of 64 pixels sees has them where the shape has."""
    turn = 2 * np.array([[np.cos(0.4), np.sin(0.4)], [-np.sin(0.4), np.cos(0.4)]])
    points = pixels_of(SHAPE) @ turn + (40, 20)
    window = framed(more).over(SIZE, None, points)
    assert window.width == pytest.approx(128, abs=1e-3)
    rule_of = sampling_matrix(window, 64, 64)
    np.testing.assert_allclose(pixels_of(SHAPE) @ rule_of[:, :2].T + rule_of[:, 2], points, atol=1e-3)


def test_plain_least_squares_are_those_of_the_layer():
    """One point is far off, which a robust fit would leave out."""
    points = pixels_of(SHAPE) * 1.5 + np.array([30, 10])
    points[2] += (25, -10)
    param = caffe_pb2.LayerParameter(name="layer", type="SimilarityFit")
    param.similarity_fit_param.shape.extend(pixels_of(SHAPE).ravel())
    layer = make_layer(param, [(1, 10)], "net")
    (six,) = layer.forward([torch.tensor(points.reshape(1, -1))], [], train=False)
    back, shift = inverted(six)
    plain, robust = (
        sampling_matrix(framed(more).over(SIZE, None, points), 64, 64) for more in ("robust: false", "")
    )
    np.testing.assert_allclose(plain[:, :2].T, back[0], atol=1e-5)
    np.testing.assert_allclose(plain[:, 2], -(shift @ back)[0, 0], atol=1e-3)
    assert np.abs(robust - plain).max() > 0.05


def test_a_face_without_points_starts_with_the_shape_over_its_box():
    window = framed("start: true")
    assert window.begins
    assert not window.needs_points
    box = np.array((20.0, 30, 81, 61))
    found = window.first_points(SIZE, box)
    shape = pixels_of(SHAPE)
    sides = shape.max(axis=0) - shape.min(axis=0)
    scale = np.mean([80 / sides[0], 60 / sides[1]])
    np.testing.assert_allclose(found.max(axis=0) - found.min(axis=0), sides * scale, rtol=1e-4)
    np.testing.assert_allclose((found.max(axis=0) + found.min(axis=0)) / 2, (60, 60), atol=1e-3)
    whole = window.first_points((61, 81), None)
    np.testing.assert_allclose(whole, found - (20, 30), atol=1e-3)


def test_the_box_around_the_shape_gives_the_shape():
    shape = pixels_of(SHAPE).astype(np.float32)
    found = framed("start: true").first_points(SIZE, bounds(shape))
    np.testing.assert_allclose(found, shape, atol=1e-3)
