"""The painted atlas: the same for the same chance, lit from where the light is, and what it reports."""

from dataclasses import replace

import numpy as np

from protoface.trainers.drawn.features import MET, pupil
from protoface.trainers.drawn.head import COLUMNS, ROWS, atlas_pixels, draw_shape, relief
from protoface.trainers.drawn.paint import draw_style, hairline, paint_face

FRONT = np.array((0, 0, 1), np.float32)


def painted(seed: int, light: np.ndarray = FRONT, **changes):
    rng = np.random.default_rng(seed)
    shape, style = draw_shape(rng), replace(draw_style(rng), **changes)
    return shape, *paint_face(rng, shape, style, relief(shape), light)


def test_the_same_chance_paints_the_same_face():
    (_, one, first), (_, other, second) = painted(0), painted(0)
    assert one.shape == (ROWS, COLUMNS, 3)
    assert one.tobytes() == other.tobytes()
    assert (first.opening, first.brow) == (second.opening, second.brow)


def test_light_from_a_side_makes_that_side_brighter():
    for side in (-1, 1):
        _, atlas, _ = painted(1, np.array((0.8 * side, 0, 0.6), np.float32), bald=True)
        left, right = atlas[60:120, 25:50].mean(), atlas[60:120, -50:-25].mean()
        assert (right - left) * side > 10


def test_it_says_how_far_the_eyes_are_open():
    """About one of seventeen faces has them shut; a smile narrows them."""
    faces = [painted(seed) for seed in range(150)]
    opened = np.array([features.opening for _, _, features in faces])
    assert 0.01 < (opened <= MET).mean() < 0.25
    smiles = np.array([max(shape.smile, 0) for shape, _, _ in faces])
    assert np.corrcoef(smiles[opened > MET], opened[opened > MET])[0, 1] < -0.1


def test_an_iris_is_painted_where_it_says():
    """Darker than the cheek below it."""
    for seed in (2, 3, 5):
        _, atlas, features = painted(seed, bald=True)
        if features.opening > 0.06:
            x, y = atlas_pixels(np.array(pupil(1, features.gaze), np.float32))
            cheek_x, cheek_y = atlas_pixels(np.array((0.5, 0.35), np.float32))
            iris = atlas[round(float(y)) - 1 : round(float(y)) + 2, round(float(x))].mean()
            assert iris < atlas[round(float(cheek_y)), round(float(cheek_x))].mean()


def test_a_bald_head_has_no_hairline_and_others_have_one_above_the_eyes():
    assert painted(4, bald=True)[2].hair is None
    rng = np.random.default_rng(4)
    for _ in range(20):
        shape, style = draw_shape(rng), draw_style(rng)
        line = hairline(rng, style, shape)
        middle = line[np.abs(line[:, 0]) < 0.2]
        assert (middle[:, 1] < -0.1).all()
        np.testing.assert_allclose(line[-3:-1], [(1.4, -2.1), (-1.4, -2.1)], rtol=1e-6)
