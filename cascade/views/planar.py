"""Pictures as a net's input: planes of float32, as OpenCV's blobFromImages makes them."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from ..windows.window import Floats
from .view_kind import Batch

#: Values of a picture from which on OpenCV is slower: at 640 x 480 by five times.
LARGE = 1 << 15


def planar(parts: Sequence[Floats], mean: Sequence[float], scale: float, swap: bool) -> Batch:
    """Pictures (n) of equal size, height x width x 3, as (n, 3, height, width): (value - mean) * scale.

    `mean` (3) is in the order of the planes, in which red and blue change places if `swap`.
    """
    if parts[0].size < LARGE:
        return cv2.dnn.blobFromImages(parts, scale, mean=mean, swapRB=swap)  # type: ignore[return-value]
    height, width = parts[0].shape[:2]
    batch = np.empty((len(parts), 3, height, width), np.float32)
    for picture, planes in zip(parts, batch, strict=True):
        channels = cv2.split(picture)
        for plane, channel, middle in zip(
            planes, channels[::-1] if swap else channels, mean, strict=True
        ):
            np.subtract(channel, np.float32(middle), out=plane)
            plane *= np.float32(scale)
    return batch
