"""Sources: a part of a picture, small, that shows every window near the face as the picture would."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from protoface.cascade import cascade_pb2
from protoface.cascade.layouts import find_layout
from protoface.cascade.views.pixels import PixelsView
from protoface.cascade.windows import clean, sampling
from protoface.cascade.windows.window import Window
from protoface.converters import ProtofaceError
from protoface.converters.prototxt import parse_message
from protoface.trainers.recipe.sources import make_source, read_sources

from .recipe_run import SHAPE

SIZE = 24
TURNED = np.array([(150, 130), (240, 150), (190, 190), (145, 222), (205, 240)], np.float64)
SIMILARITY = f"similarity {{ {SHAPE} }}"


def view(window: str = SIMILARITY, more: str = "interpolation: AREA") -> PixelsView:
    text = f"preprocess {{ size: {SIZE} {more} }} window {{ {window} }}"
    parameter = parse_message(text, cascade_pb2.PixelsView(), "text")
    return PixelsView(parameter, find_layout("celeba5"), clean, "stage 's'")


def noise(rows: int = 390, columns: int = 400) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (rows, columns, 3), np.uint8)


def test_it_shows_the_window_as_the_picture_does() -> None:
    image, a_view = noise(), view()
    source = make_source(a_view, image, TURNED)
    assert source is not None
    assert source.factor > 1
    assert source.picture == (390, 400)
    assert source.pixels.size < image.size / source.factor**2 * 2
    expected = sampling.resample(image, source.window, SIZE, SIZE, cv2.INTER_AREA)
    window = source.seen(source.window)
    found = sampling.resample(source.pixels, window, SIZE, SIZE, cv2.INTER_AREA)
    assert np.abs(found.astype(int) - expected).max() <= 1
    np.testing.assert_array_equal(source.points, TURNED)
    np.testing.assert_array_equal(source.five, TURNED)


@pytest.mark.parametrize("shift", [(0, 0), (25, -18), (-30, 30)])
@pytest.mark.parametrize("scale", [0.9, 1.2])
def test_windows_near_by_are_in_it(shift: tuple[int, int], scale: float) -> None:
    """A smooth picture: the blocks of the window are others there, but no edge is repeated."""
    y, x = np.mgrid[:390, :400]
    planes = (x * 0.5, y * 0.5, 90 + 60 * np.sin(x / 60) * np.cos(y / 60))
    image = np.stack(planes, axis=2).astype(np.uint8)
    source = make_source(view(), image, TURNED)
    assert source is not None
    true = source.window
    moved = Window(
        true.x + shift[0] - true.width * (scale - 1) / 2,
        true.y + shift[1] - true.height * (scale - 1) / 2,
        true.width * scale,
        true.height * scale,
        true.angle,
    )
    expected = sampling.resample(image, moved, SIZE, SIZE, cv2.INTER_AREA)
    found = sampling.resample(source.pixels, source.seen(moved), SIZE, SIZE, cv2.INTER_AREA)
    assert np.abs(found.astype(int) - expected).max() <= 3


def test_a_place_of_the_picture_in_the_source() -> None:
    """The corners of a block of pixels are the corners of one pixel of the source."""
    source = make_source(view(), noise(), TURNED)
    assert source is not None
    f = source.factor
    block = Window(source.left + 2 * f, source.top + 3 * f, f, f, 0.0)
    assert source.seen(block) == Window(2, 3, 1, 1, 0.0)
    expected = noise()[source.top + 3 * f :, source.left + 2 * f :][:f, :f].mean((0, 1))
    assert np.abs(source.pixels[3, 2] - expected).max() <= 1


def test_without_area_averages_nothing_is_shrunk() -> None:
    image = noise(900, 900)
    source = make_source(view(more="interpolation: LINEAR"), image, TURNED + 250)
    assert source is not None
    assert source.factor == 1
    rows, columns = source.pixels.shape[:2]
    part = image[source.top : source.top + rows, source.left : source.left + columns]
    np.testing.assert_array_equal(source.pixels, part)


def test_a_whole_picture_is_kept_finer() -> None:
    source = make_source(view("picture {}"), noise(), TURNED)
    assert source is not None
    assert source.factor == int(390 / SIZE) // 2
    assert (source.window.width, source.window.height) == (400, 390)


def test_a_face_without_a_window_is_no_source() -> None:
    assert make_source(view(), noise(), np.full((5, 2), 30.0)) is None


@pytest.fixture
def paths(tmp_path: Path) -> list[Path]:
    found = []
    for index in range(7):
        found.append(tmp_path / f"{index}.png")
        cv2.imwrite(str(found[-1]), np.full((300, 320, 3), 30 * index, np.uint8))
    return found


@pytest.mark.parametrize("workers", [1, 3])
def test_sources_come_in_order_without_faces_that_are_too_small(
    paths: list[Path], workers: int
) -> None:
    truth = np.stack([TURNED - 50 + index for index in range(7)])
    truth[2] = truth[5] = 30
    sources, kept = read_sources("s", view(), paths, truth, workers)
    assert kept == [0, 1, 3, 4, 6]
    for index, source in zip(kept, sources, strict=True):
        np.testing.assert_array_equal(source.points, truth[index])
        assert (source.pixels == 30 * index).all()


def test_not_one_face(paths: list[Path]) -> None:
    with pytest.raises(ProtofaceError, match=r"^stage 's': no face is large enough"):
        read_sources("s", view(), paths, np.full((7, 5, 2), 30.0), 2)


def test_a_picture_that_cannot_be_read_is_named(paths: list[Path]) -> None:
    paths[3].write_bytes(b"no picture")
    with pytest.raises(ProtofaceError, match=r"3\.png: not a picture"):
        read_sources("s", view(), paths, np.stack([TURNED - 50] * 7), 2)
