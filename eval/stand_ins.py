"""Modules that a peer imports but hardly needs, for as long as it is being imported."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from types import ModuleType
from typing import Any

import cv2
import numpy as np

#: What a module of a stand-in holds, by the module's name.
Contents = Mapping[str, Mapping[str, Any]]


@contextmanager
def standing_in(contents: Contents) -> Iterator[bool]:
    """Modules that hold `contents`, unless the first one's package is installed; says whether they do.

    Afterwards nobody else finds them. Each package comes before what is in it.
    """
    if find_spec(next(iter(contents))) is not None:
        yield False
        return
    modules = {name: _module(name, values) for name, values in contents.items()}
    for name, module in modules.items():
        package, _, last = name.rpartition(".")
        if package:
            setattr(modules[package], last, module)
    sys.modules.update(modules)
    try:
        yield True
    finally:
        for name in modules:
            del sys.modules[name]


def _module(name: str, values: Mapping[str, Any]) -> ModuleType:
    module = ModuleType(name)
    module.__path__ = []  # as a package has, so that modules in it can be imported
    module.__dict__.update(values)
    return module


def batched_nms(boxes: Any, scores: Any, groups: Any, threshold: float) -> Any:
    """What torchvision.ops.boxes.batched_nms answers, by OpenCV: indices kept (k), best score first.

    `boxes` (n, 4) are a tensor of x1, y1, x2, y2, `scores` (n) and `groups` (n) others; boxes of
    different groups leave each other alone.
    """
    corners = boxes.double().cpu().numpy()
    if not len(corners):
        return groups.new_zeros(0)
    sized = np.concatenate((corners[:, :2], corners[:, 2:] - corners[:, :2]), axis=1)
    kept = cv2.dnn.NMSBoxesBatched(
        sized,  # type: ignore[arg-type]
        scores.cpu().numpy(),
        groups.int().cpu().numpy(),
        -np.inf,
        threshold,
    )
    return groups.new_tensor(np.asarray(kept, np.int64).ravel())
