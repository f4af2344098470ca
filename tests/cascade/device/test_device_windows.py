"""Windows as tensors are those of the rules in `cascade/windows`, face by face."""

import numpy as np
import pytest
import torch

from protoface.cascade.device import device_windows
from protoface.cascade.windows import clean
from protoface.cascade.windows.window import Window
from protoface.cascade.windows.window_kind import WindowKind

from ..windows.rules import rule

ROWS, COLUMNS = 120, 160
SIZE = ROWS, COLUMNS
SHAPE = np.array([(-0.45, -0.4), (0.45, -0.4), (0, 0.1), (-0.37, 0.5), (0.37, 0.5)])
#: As a cascade's text holds it: in float32.
SINGLE = torch.from_numpy(SHAPE.astype(np.float32)).double()


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


def similarity(more: str = "") -> WindowKind:
    points = " ".join(f"shape {{ x: {x!r} y: {y!r} }}" for x, y in SHAPE.tolist())
    return rule(f"similarity {{ {points} {more} }}")


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
    kind = similarity("" if upright else "upright: false")
    expected = [kind.over(SIZE, None, face) for face in points]
    found = device_windows.similarity(torch.from_numpy(points), SINGLE, upright, ROWS, COLUMNS)
    check(found, expected)
    assert 100 < int(found.seen.sum()) < 195
    assert torch.isfinite(torch.stack([found.x, found.y, found.width, found.cos, found.sin])).all()


def test_patches():
    points = faces(4)
    whole = device_windows.similarity(torch.from_numpy(points), SINGLE, True, ROWS, COLUMNS)
    kind = similarity("patch: 0.4")
    expected = [kind.over(SIZE, None, face) for face in points]
    found = device_windows.patches(torch.from_numpy(points), whole, kind.patch)
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
    expected = [clean.square(SIZE, face, 2, 0, 4, 1.7) for face in points]
    found = device_windows.square(torch.from_numpy(points), [2, 0, 4], 1.7, ROWS, COLUMNS)
    check(found, expected)


def test_the_whole_picture():
    check(
        device_windows.picture(2, ROWS, COLUMNS, torch.device("cpu")), [Window(0, 0, COLUMNS, ROWS)] * 2
    )
