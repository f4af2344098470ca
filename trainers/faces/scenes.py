"""Scenes out of annotated sets of every layout that `protoface eval` reads."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from protoface.cascade.layouts import DEFAULT, find_layout
from protoface.eval.datasets.box_set import BoxSet
from protoface.eval.datasets.dataset import Dataset
from protoface.eval.datasets.picture_set import PictureSet

from .face_scene import POINTS, Scene
from .head_boxes import head_boxes


def scenes_of(found: PictureSet) -> Iterator[Scene]:
    """The pictures of a set, as `read_set` gives it, in its order.

    Where faces have points alone, their boxes are made from these, and one of a picture is known.
    """
    if isinstance(found, BoxSet):
        return _with_boxes(found)
    assert isinstance(found, Dataset)
    return _with_points(found)


def _with_boxes(found: BoxSet) -> Iterator[Scene]:
    for path, boxes, ignored in zip(found.paths, found.boxes, found.ignored, strict=True):
        yield Scene(path, boxes, np.full((len(boxes), POINTS, 2), np.nan), ignored)


def _with_points(found: Dataset) -> Iterator[Scene]:
    boxes = head_boxes(found.truth, found.layout)
    five = found.layout.convert(found.truth, find_layout(DEFAULT))
    for path, box, points in zip(found.paths, boxes, five, strict=True):
        yield Scene(path, box[None], points[None], np.zeros(1, np.bool_), complete=False)
