"""Errors, worked out by hand."""

import numpy as np

from protoface.eval.metrics import image_diagonal, inter_ocular, nme


def test_nme_is_the_mean_distance_over_the_length():
    truth = np.array([[(0, 0), (10, 0)], [(0, 0), (20, 0)]])
    found = truth + np.array([[(3, 4), (0, 0)], [(0, 0), (6, 8)]])
    np.testing.assert_allclose(nme(found, truth, inter_ocular(truth)), [0.25, 0.25])
    np.testing.assert_allclose(nme(found[0], truth[0], 10), 0.25)


def test_lengths():
    np.testing.assert_allclose(image_diagonal(np.array([30, 6]), np.array([40, 8])), [50, 10])
    assert inter_ocular(np.array([(1, 1), (4, 5)])) == 5
