"""Colours of the drawn points."""

import numpy as np

from protoface.cascade import load
from protoface.cascade.drawing import BLUE, GREEN, RED, draw


def test_truth_is_green_level_1_red_the_final_points_blue(folder):
    image = np.zeros((400, 500, 3), np.uint8)
    detection = load(folder).detect(image)
    truth = np.array([(5, 5), (495, 5), (5, 395), (495, 395), (250, 380)])
    drawn = draw(image, detection.levels, detection.windows[-1], truth)
    for points, colour in ((truth, GREEN), (detection.levels[0], RED), (detection.points, BLUE)):
        for x, y in points.round().astype(int):
            assert tuple(drawn[y, x]) == colour
    assert not image.any()


def test_points_outside_the_picture_or_not_finite_do_no_harm(folder):
    image = np.zeros((40, 50, 3), np.uint8)
    detection = load(folder).detect(image)
    truth = np.array([(-50, 5), (495, 5), (np.nan, 3), (np.inf, 3), (1e12, 3)])
    assert draw(image, detection.levels, truth=truth).shape == image.shape
    wild = np.full((5, 2), np.nan)
    assert draw(image, [wild, wild]).shape == image.shape
