"""Heads in chosen poses, with the features that their painting gave them."""

import cv2
import numpy as np

from protoface.trainers.drawn.head import Pose, draw_shape, relief, rotation
from protoface.trainers.drawn.markup import Head
from protoface.trainers.drawn.paint import draw_style, paint_face

UNIT = 60.0  # pixels in an eye distance
SIDE = 400  # of a picture with such a head in its middle


def head(seed: int, yaw: float = 0, pitch: float = 0, roll: float = 0) -> Head:
    """A head of a seed, turned by degrees, in a picture of SIDE x SIDE."""
    rng = np.random.default_rng(seed)
    shape, style = draw_shape(rng), draw_style(rng)
    height = relief(shape)
    _, features = paint_face(rng, shape, style, height, np.array((0, 0, 1), np.float32))
    middle = np.full(2, SIDE / 2, np.float32)
    return Head(shape, height, Pose(rotation(yaw, pitch, roll), UNIT, middle), features)


def edge_distance(mask: np.ndarray, pixels: np.ndarray) -> np.ndarray:
    """How far pixels (n, 2) are from the edge of a mask (0 and 1), in pixels."""
    inside, outside = (
        cv2.distanceTransform(part.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
        for part in (mask > 0, mask == 0)
    )
    x, y = np.round(pixels).astype(int).T
    return np.maximum(inside, outside)[y, x]
