"""What the layers of shapes have in common."""

import numpy as np
import pytest
import torch

from protoface.converters.layers.similarity import inverted, picked


def test_the_inverse_undoes_it():
    generator = torch.Generator().manual_seed(0)
    similarity = torch.randn(3, 6, generator=generator, dtype=torch.float64)
    points = torch.randn(3, 5, 2, generator=generator, dtype=torch.float64)
    moved = points @ similarity[:, :4].reshape(-1, 2, 2) + similarity[:, None, 4:]
    back, shift = inverted(similarity)
    torch.testing.assert_close((moved - shift) @ back, points)


def test_picked_are_columns_of_the_six_numbers():
    numbers = np.array([10, 11, 12, 13, 14, 15])
    assert (numbers @ picked((4, -1), (0, 1), (4, 2))).tolist() == [-14, 10, 28]


def test_a_similarity_without_scale_has_no_inverse():
    back, _ = inverted(torch.zeros(1, 6))
    assert not back.isfinite().any()


@pytest.mark.parametrize("angle", [0, 30, 180])
def test_of_a_turn_it_is_the_transpose(angle):
    cos, sin = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    back, _ = inverted(torch.tensor([[cos, sin, -sin, cos, 3, 4]]))
    np.testing.assert_allclose(back[0], [[cos, -sin], [sin, cos]], atol=1e-6)
