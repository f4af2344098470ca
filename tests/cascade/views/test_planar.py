"""Planes of float32: small and large pictures alike, as OpenCV makes them."""

import cv2
import numpy as np
import pytest

from protoface.cascade.views.planar import LARGE, planar


@pytest.mark.parametrize("size", [(48, 40), (105, 104), (200, 311)])
@pytest.mark.parametrize("kind", [np.uint8, np.float32])
@pytest.mark.parametrize("swap", [False, True])
def test_planes_are_those_of_opencv(size, kind, swap):
    pictures = [(np.random.default_rng(n).random((*size, 3)) * 255).astype(kind) for n in range(2)]
    mean, scale = [104.0, 117.5, 123.25], 0.017
    copies = [picture.copy() for picture in pictures]  # OpenCV 4.10 changes pictures of floats
    expected = cv2.dnn.blobFromImages(copies, scale, mean=mean, swapRB=swap)
    np.testing.assert_allclose(planar(pictures, mean, scale, swap), expected, rtol=0, atol=1e-6)


def test_both_ways_are_tried():
    assert LARGE > 48 * 40 * 3
    assert 105 * 104 * 3 <= LARGE < 200 * 311 * 3
