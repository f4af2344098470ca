"""Errors of points, worked out by hand and by a second way to compute them."""

import numpy as np

from protoface.cascade.metrics import image_diagonal, nme, point_errors


def test_point_errors_are_pythagoras_s():
    generator = np.random.default_rng(0)
    found, truth = generator.normal(size=(2, 4, 7, 2))
    difference = found - truth
    expected = np.sqrt(difference[..., 0] ** 2 + difference[..., 1] ** 2)
    np.testing.assert_allclose(point_errors(found, truth), expected)
    # single precision is not where differences of large numbers are taken
    far = np.float32([[30000.25, 0]])
    assert point_errors(far, np.array([[30000.0, 0]])) == 0.25


def test_nme_is_the_mean_distance_over_the_length():
    truth = np.array([[(0, 0), (10, 0)], [(0, 0), (20, 0)]])
    found = truth + np.array([[(3, 4), (0, 0)], [(0, 0), (6, 8)]])
    np.testing.assert_allclose(nme(found, truth, np.array([10, 20])), [0.25, 0.25])
    np.testing.assert_allclose(nme(found[0], truth[0], 10), 0.25)


def test_the_diagonal():
    np.testing.assert_allclose(image_diagonal(np.array([30, 6]), np.array([40, 8])), [50, 10])
