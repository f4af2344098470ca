"""Windows as tensors are those of `clean` and `similarity`, face by face."""

import numpy as np
import pytest
import torch

from protoface.cascade.device import device_windows
from protoface.cascade.windows import clean
from protoface.cascade.windows.window import Window

ROWS, COLUMNS = 120, 160
IMAGE = np.zeros((ROWS, COLUMNS, 3), np.uint8)
SHAPE = np.array([(-0.45, -0.4), (0.45, -0.4), (0, 0.1), (-0.37, 0.5), (0.37, 0.5)])


def faces(spread: float) -> np.ndarray:
    """Points of 200 faces: turned, also beyond the picture, with errors, and some that are none."""
    rng = np.random.default_rng(0)
    turn = rng.uniform(3, 90, (200, 1)) * np.exp(1j * rng.normal(0, 1, (200, 1)))
    centre = rng.normal(COLUMNS / 2, 60, (200, 1)) + 1j * rng.normal(ROWS / 2, 60, (200, 1))
    points = (SHAPE @ [1, 1j]) * turn + centre
    points = np.stack((points.real, points.imag), -1) + rng.normal(0, spread, (200, 5, 2))
    points[0] = 40  # all in one place
    points[1] = np.nan
    points[2, 3] = np.inf
    points[3] *= 1e12
    points[4] = (points[4] - points[4].mean(0)) * 1000
    points[5] = (points[5] - points[5].mean(0)) * 1e-3 + 50
    points[6] += 5000
    return points.astype(np.float32)


def check(found: device_windows.Windows, expected: list[Window]) -> None:
    for index, window in enumerate(expected):
        assert bool(found.seen[index]) is not window.empty, (index, window)
        if not window.empty:
            numbers = torch.stack(
                [found.x, found.y, found.width, found.height, found.cos, found.sin], -1
            )
            wanted = (window.x, window.y, window.width, window.height, *window.direction)
            np.testing.assert_allclose(numbers[index].numpy(), wanted, atol=1e-9)


@pytest.mark.parametrize("upright", [True, False])
@pytest.mark.parametrize("spread", [0.0, 4.0])
def test_similarity(upright, spread):
    points = faces(spread)
    shape = [complex(x, y) for x, y in SHAPE]
    expected = [clean.similarity(IMAGE, face, shape, upright, 0) for face in points]
    found = device_windows.similarity(
        torch.from_numpy(points), torch.from_numpy(SHAPE), upright, ROWS, COLUMNS
    )
    check(found, expected)
    assert 100 < int(found.seen.sum()) < 195
    assert torch.isfinite(torch.stack([found.x, found.y, found.width, found.cos, found.sin])).all()


def test_patches():
    points = faces(4)
    shape = [complex(x, y) for x, y in SHAPE]
    whole = device_windows.similarity(
        torch.from_numpy(points), torch.from_numpy(SHAPE), True, ROWS, COLUMNS
    )
    found = device_windows.patches(torch.from_numpy(points), whole, 0.4)
    expected = [clean.similarity(IMAGE, face, shape, True, 0.4) for face in points]
    for index, window in enumerate(expected):
        seen = found.seen[5 * index : 5 * index + 5]
        assert bool(seen.all()) is bool(seen.any()) is not window.empty
        for number, patch in enumerate(window.patches):
            at = 5 * index + number
            np.testing.assert_allclose(
                [found.x[at], found.y[at], found.width[at]], [patch.x, patch.y, patch.width], atol=1e-9
            )


def test_square():
    points = faces(4)
    expected = [clean.square(IMAGE, face, 2, 0, 4, 1.7) for face in points]
    found = device_windows.square(torch.from_numpy(points), [2, 0, 4], 1.7, ROWS, COLUMNS)
    check(found, expected)


def test_the_whole_picture():
    check(
        device_windows.picture(2, ROWS, COLUMNS, torch.device("cpu")), [Window(0, 0, COLUMNS, ROWS)] * 2
    )
