"""Means of whole pixels: PyTorch's own, for whole pictures and windows, smaller and larger."""

import numpy as np
import pytest
import torch
from torch.nn.functional import interpolate

from protoface.cascade.windows import area_means as module
from protoface.cascade.windows.area_means import area_means, means_of_windows
from protoface.cascade.windows.halves import Halves
from protoface.cascade.windows.window import Window

IMAGE = np.random.default_rng(0).integers(0, 256, (61, 83, 3), np.uint8)


@pytest.mark.parametrize(
    "window", [Window(0, 0, 83, 61), Window(5, 7, 33, 41), Window(82, 60, 1, 1), Window(10, 0, 3, 50)]
)
@pytest.mark.parametrize("size", [(24, 24), (48, 48), (37, 50), (1, 1), (122, 166)])
def test_it_is_torchs(window, size):
    x, y, width, height = (int(value) for value in (window.x, window.y, window.width, window.height))
    part = torch.from_numpy(IMAGE[y : y + height, x : x + width].astype(np.float32))
    expected = interpolate(part.permute(2, 0, 1)[None], size=size, mode="area")[0].permute(1, 2, 0)
    found = area_means(Halves(IMAGE), window, *size)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected.numpy(), rtol=1e-6)


def test_blocks_of_rows_change_nothing(monkeypatch):
    whole = area_means(Halves(IMAGE), Window(0, 0, 83, 61), 30, 40)
    monkeypatch.setattr(module, "BLOCK", 3 * 83 * 4)
    np.testing.assert_array_equal(area_means(Halves(IMAGE), Window(0, 0, 83, 61), 30, 40), whole)


@pytest.mark.parametrize("size", [(24, 24), (5, 70)])
def test_many_windows_at_once(size):
    windows = [Window(0, 0, 83, 61), Window(5, 7, 33, 41), Window(82, 60, 1, 1), Window(10, 0, 3, 50)]
    found = means_of_windows(Halves(IMAGE), windows, *size)
    expected = [area_means(Halves(IMAGE), window, *size) for window in windows]
    np.testing.assert_array_equal(found, expected)


def test_sums_that_overflow_do_not_show():
    """All of a white picture of 12 megapixels is more than 2^31."""
    image = np.full((3000, 4000, 3), 255, np.uint8)
    assert (area_means(Halves(image), Window(3000, 2000, 1000, 1000), 24, 24) == 255).all()
