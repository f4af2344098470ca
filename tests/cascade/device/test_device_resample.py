"""Windows cut out all at once are those that OpenCV cuts out one by one."""

import cv2
import numpy as np
import pytest
import torch

from protoface.cascade.device.device_resample import Areas, linear, whole
from protoface.cascade.device.device_windows import Windows, picture
from protoface.cascade.windows.sampling import resample
from protoface.cascade.windows.window import Image, Window

SIZE = 24
#: OpenCV 4 takes coordinates to 1/32 pixel, OpenCV 5 as they are.
EXACT = int(cv2.__version__.split(".")[0]) >= 5


def smooth(count: int, rows: int = 120, columns: int = 160) -> np.ndarray:
    """Pictures with edges and gradients, as photographs have them."""
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (count, rows // 8, columns // 8, 3), np.uint8)
    return np.stack([cv2.resize(one, (columns, rows), interpolation=cv2.INTER_CUBIC) for one in noise])


def windows(count: int, factor: int, turned: bool) -> list[Window]:
    """Windows to be shrunk by `factor`, some of them partly beyond the picture."""
    rng = np.random.default_rng(factor)
    made = []
    for _ in range(count):
        x, y = rng.uniform(-40, 150), rng.uniform(-40, 110)
        side = (factor + rng.uniform(0.05, 0.95)) * SIZE
        made.append(Window(x, y, side, side, rng.uniform(-170, 170) if turned else 0))
    return made


def as_tensors(made: list[Window]) -> Windows:
    rows = [(w.x, w.y, w.width, w.height, *w.direction) for w in made]
    return Windows(*torch.tensor(rows, dtype=torch.float64).T, torch.ones(len(made), dtype=torch.bool))


def differences(found: torch.Tensor, images: np.ndarray, made: list[Window], kind: int) -> np.ndarray:
    expected = [resample(i, w, SIZE, SIZE, kind) for i, w in zip(images, made, strict=True)]
    return np.abs(found.permute(0, 2, 3, 1).numpy() - np.stack(expected))


def check(apart: np.ndarray, exact: bool) -> None:
    """Grey levels: on OpenCV 5 a few are one off, by the last bit of a coordinate."""
    assert apart.max() <= (1 if exact else 7)
    assert apart.mean() < (0.05 if exact else 1)


@pytest.mark.parametrize("turned", [False, True])
def test_linear(turned):
    images, made = smooth(40), windows(40, 1, turned)
    found = linear(torch.from_numpy(images), as_tensors(made), SIZE, SIZE)
    check(differences(found, images, made, cv2.INTER_LINEAR), EXACT)


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("factor", [0, 1, 2, 3, 4, 5])
def test_area(factor, turned):
    images, made = smooth(40), windows(40, factor, turned)
    found = Areas(torch.from_numpy(images), 16).sample(as_tensors(made), SIZE, SIZE, turned)
    check(differences(found, images, made, cv2.INTER_AREA), EXACT)


@pytest.mark.parametrize("factor", [6, 12])
def test_area_of_more_than_two_halvings(factor):
    """There rounded after each step, here after the first and the last: a level apart in some."""
    images, made = smooth(40, 128, 160), windows(40, factor, True)
    found = Areas(torch.from_numpy(images), 16).sample(as_tensors(made), SIZE, SIZE, True)
    apart = differences(found, images, made, cv2.INTER_AREA)
    assert apart.max() <= (2 if EXACT else 7)
    assert apart.mean() < (0.5 if EXACT else 1)


def test_factors_of_their_own_in_one_batch():
    images = smooth(6)
    made = [windows(1, factor, True)[0] for factor in (0, 1, 2, 3, 5, 5)]
    found = Areas(torch.from_numpy(images), 16).sample(as_tensors(made), SIZE, SIZE, True)
    check(differences(found, images, made, cv2.INTER_AREA), EXACT)


def test_each_axis_has_its_own_factor_where_nothing_is_turned():
    images, made = smooth(2), [Window(3.5, 7.25, 120, 60), Window(0, 0, 30, 80)]
    found = Areas(torch.from_numpy(images), 16).sample(as_tensors(made), SIZE, SIZE, False)
    apart = differences(found, images, made, cv2.INTER_AREA)
    assert apart.max() <= (1 if EXACT else 5)
    assert apart.mean() < (0.1 if EXACT else 0.5)  # two halvings of one axis, rounded once


@pytest.mark.parametrize("shape", [(120, 160), (97, 131), (20, 30), (96, 96), (60, 150)])
def test_whole_pictures(shape):
    images = smooth(3, *shape)
    made = [Window(0, 0, shape[1], shape[0])] * 3
    found = whole(torch.from_numpy(images), SIZE, SIZE)
    check(differences(found, images, made, cv2.INTER_AREA), EXACT)


def test_several_windows_of_a_picture():
    images, made = smooth(4), windows(12, 2, True)
    found = Areas(torch.from_numpy(images), 16).sample(as_tensors(made), SIZE, SIZE, True)
    check(differences(found, np.repeat(images, 3, 0), made, cv2.INTER_AREA), EXACT)


def test_beyond_the_picture_is_its_edge():
    image: Image = np.full((1, 30, 40, 3), 7, np.uint8)
    far = as_tensors([Window(-500, 900, 60, 60, 30)])
    for found in (
        linear(torch.from_numpy(image), far, SIZE, SIZE),
        Areas(torch.from_numpy(image), 8).sample(far, SIZE, SIZE, True),
    ):
        assert (found == 7).all()


def test_a_large_picture_does_not_overflow():
    image = np.full((1, 1500, 1500, 3), 255, np.uint8)
    found = Areas(torch.from_numpy(image), 4).sample(
        picture(1, 1500, 1500, torch.device("cpu")), 400, 400, True
    )
    assert (found == 255).all()
