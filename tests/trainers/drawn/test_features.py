"""The lines of a face: symmetric, meeting in the corners, in the order from left to right."""

import itertools

import numpy as np
import pytest

from protoface.trainers.drawn.features import Brow, lids, lips, nostril, pupil, wing

from .heads import head

MIRROR = (-1, 1)


@pytest.mark.parametrize("opening", [0.1, 0.02, -0.03])
def test_lids_meet_in_both_corners(opening):
    upper, lower = lids(1, opening)
    np.testing.assert_allclose(upper[[0, -1]], lower[[0, -1]])
    np.testing.assert_allclose(upper[[0, -1], 0], (0.25, 0.75))
    assert (np.diff(upper[:, 0]) > 0).all()
    np.testing.assert_allclose(lower[4, 1] - upper[4, 1], 2 * opening)
    for one, other in zip(lids(-1, opening), (upper, lower), strict=True):
        np.testing.assert_allclose(one, other[::-1] * MIRROR, atol=1e-12)


def test_a_pupil_looks_where_the_gaze_goes_but_stays_in_its_eye():
    middle = np.array(pupil(1, np.zeros(2)))
    np.testing.assert_allclose(np.array(pupil(1, np.array((0.05, 0.02)))) - middle, (0.05, 0.02))
    assert pupil(-1, np.array((0, 9.0)))[1] == pytest.approx(middle[1] + 0.03)


def test_brows_are_each_other_s_mirror_image_and_thin_outside():
    shape = head(1).shape
    brow = Brow(thick=0.1, arch=0.1, tilt=0.02, raised=0.0)
    (upper, lower), (left_upper, left_lower) = brow.edges(shape, 1), brow.edges(shape, -1)
    np.testing.assert_allclose(left_upper, upper * MIRROR)
    np.testing.assert_allclose(left_lower, lower * MIRROR)
    thick = lower[:, 1] - upper[:, 1]
    np.testing.assert_allclose(thick[[0, -1]], (0.1, 0.03))
    assert (np.diff(thick) < 0).all()


@pytest.mark.parametrize("seed", range(5))
def test_lips_lie_above_each_other_and_meet_in_the_corners(seed):
    shape = head(seed).shape
    curves = lips(shape)
    order = (curves.top, curves.above_gap, curves.below_gap, curves.bottom)
    for above, below in itertools.pairwise(order):
        assert (above[:, 1] <= below[:, 1] + 1e-12).all()
    corner = (shape.mouth_half_width, shape.corners)
    for curve in order:
        np.testing.assert_allclose(curve[-1], corner)
        np.testing.assert_allclose(curve[0], np.multiply(corner, MIRROR))
    gap = curves.below_gap - curves.above_gap
    np.testing.assert_allclose(gap[5], (0, shape.opened))


def test_nostrils_lie_between_the_wings():
    shape = head(2).shape
    (x, y), (half, _) = nostril(shape, 1)
    fold = np.array(wing(shape, 1))
    assert x + half < fold[:, 0].max()
    assert fold[:, 1].min() < y <= fold[:, 1].max()
    np.testing.assert_allclose(wing(shape, -1), fold * MIRROR)
