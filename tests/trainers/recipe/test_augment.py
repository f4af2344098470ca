"""Changes of pixels: each does what it says, and none of them anything when it is off."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from protoface.cascade.windows.window import centred
from protoface.trainers.recipe import recipe_pb2
from protoface.trainers.recipe.augment import as_jpeg, change_pixels, draw_moves

Augment = recipe_pb2.AugmentParameter
OFF = {field.name: 0.0 for field in Augment.DESCRIPTOR.fields}


def only(**changes: float) -> Augment:
    return Augment(**{**OFF, **changes})


def pictures(channels: int = 3) -> torch.Tensor:
    values = np.random.default_rng(0).integers(60, 190, (64, 12, 12, channels))
    return torch.from_numpy(values.astype(np.float32))


def changed(augment: Augment, given: torch.Tensor, seed: int = 1) -> torch.Tensor:
    return change_pixels(augment, given.clone(), np.random.default_rng(seed))


@pytest.mark.parametrize("channels", [3, 15])
def test_off_changes_nothing(channels: int) -> None:
    given = pictures(channels)
    assert torch.allclose(changed(only(), given), given, atol=1e-4)


def test_brightness_and_contrast() -> None:
    given = pictures()
    brighter = changed(only(brightness=10), given).mean((1, 2, 3)) - given.mean((1, 2, 3))
    assert float(brighter.std()) == pytest.approx(10, rel=0.25)
    harder = changed(only(contrast=0.2), given)
    assert torch.allclose(harder.mean((1, 2, 3)), given.mean((1, 2, 3)), atol=1)
    ratio = (harder.std((1, 2, 3)) / given.std((1, 2, 3))).log()
    assert float(ratio.std()) == pytest.approx(0.2, rel=0.25)


def test_colours_have_gains_of_their_own_and_patches_the_same() -> None:
    given = pictures(15)
    gains = (changed(only(color=0.05), given) / given).reshape(64, -1, 5, 3)
    assert torch.allclose(gains, gains[:, :1, :1], atol=1e-3)
    assert float(gains[:, 0, 0].log().std()) == pytest.approx(0.05, rel=0.25)


def test_gray_blur_and_occlusion_come_as_often_as_they_are_asked_for() -> None:
    given = pictures()
    gray = changed(only(gray=0.3), given)
    alike = (gray == gray[..., :1]).all(dim=3).all(dim=2).all(dim=1)
    assert 8 < int(alike.sum()) < 32
    assert torch.allclose(gray[alike][..., 0], given[alike].mean(3), atol=1e-3)
    blurred = changed(only(blur=1), given)
    inner = given[:, 4:7, 4:7].mean((1, 2))
    assert torch.allclose(blurred[:, 5, 5], inner, atol=1e-3)
    covered = changed(only(occlusion=1, occlusion_size=0.5), given) - given
    share = (covered.abs() > 0.01).any(dim=3).float().mean((1, 2))
    assert 0 < float(share.mean()) < 0.25
    assert float(share.max()) <= (7 / 12) ** 2


def test_noise_has_a_sigma_of_its_own_in_each_picture() -> None:
    sigma = (changed(only(noise=8), pictures()) - pictures()).std((1, 2, 3))
    assert float(sigma.max()) < 9
    assert float(sigma.mean()) == pytest.approx(4, rel=0.2)


def test_all_together_stay_within_a_pixels_values() -> None:
    result = changed(Augment(brightness=200, noise=50, gray=1), pictures())
    assert 0 <= float(result.min()) <= float(result.max()) <= 255


def test_jpeg_keeps_a_picture_but_for_a_little() -> None:
    smooth = np.repeat(np.arange(0, 240, 5, np.uint8)[:, None, None], 48, axis=1).repeat(3, axis=2)
    found = as_jpeg(smooth, np.random.default_rng(0)).astype(int)
    assert 0 < np.abs(found - smooth).max() < 30


def test_windows_move_as_drawn() -> None:
    moves = draw_moves(Augment(shift=0.1, scale=0.2, rotation=7), np.random.default_rng(0), 4000)
    window = centred(50, 60, 20, 30)
    moved = [moves.window(index, window) for index in range(4000)]
    assert np.std([w.centre[0] - 50 for w in moved]) == pytest.approx(2, rel=0.05)
    assert np.std(np.log([w.width / 20 for w in moved])) == pytest.approx(0.2, rel=0.05)
    assert np.std([w.angle - 30 for w in moved]) == pytest.approx(7, rel=0.05)
    assert draw_moves(only(), np.random.default_rng(0), 1).window(0, window) is window
