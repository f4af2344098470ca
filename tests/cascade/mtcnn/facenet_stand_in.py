"""facenet-pytorch itself, where it is at hand, beside small stand-ins for torchvision (MOCK).

Of torchvision it uses `batched_nms` and `to_tensor` alone; pip would bring another PyTorch along.
"""

import importlib
import importlib.util
import os
import sys
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch

from .plain_mtcnn import nms


def facenet_folder(environment=os.environ):
    """The package's folder: $PROTOFACE_FACENET, or where it is installed; skips without."""
    given = environment.get("PROTOFACE_FACENET")
    if given:
        folder = Path(given)
        inner = folder / "facenet_pytorch"
        return inner if inner.is_dir() else folder
    found = importlib.util.find_spec("facenet_pytorch")
    if found is None or not found.submodule_search_locations:
        pytest.skip(
            "needs facenet-pytorch (set PROTOFACE_FACENET to its folder, or pip install --no-deps)"
        )
    return Path(found.submodule_search_locations[0])


def facenet(folder, monkeypatch):
    """Its module `mtcnn`, imported without what else the package imports."""
    modules = {
        "torchvision": {},
        "torchvision.transforms": {"functional": _module("functional", to_tensor=to_tensor)},
        "torchvision.ops": {},
        "torchvision.ops.boxes": {"batched_nms": batched_nms},
    }
    for name, values in modules.items():
        monkeypatch.setitem(sys.modules, name, _module(name, **values))
    for name, path in (("facenet_pytorch", folder), ("facenet_pytorch.models", folder / "models")):
        package = _module(name)
        package.__path__ = [str(path)]
        monkeypatch.setitem(sys.modules, name, package)
    return importlib.import_module("facenet_pytorch.models.mtcnn")


def _module(name, **values):
    module = ModuleType(name)
    module.__spec__ = ModuleSpec(name, None)
    vars(module).update(values)
    return module


def to_tensor(array):
    """H x W x 3 float32 as planes."""
    return torch.from_numpy(np.ascontiguousarray(np.asarray(array).transpose(2, 0, 1)))


def batched_nms(boxes, scores, groups, most):
    """Boxes of each group by themselves: shifted so that groups do not overlap."""
    if not len(boxes):
        return torch.zeros(0, dtype=torch.int64)
    shifted = boxes + (groups.to(boxes) * (boxes.max() + 1))[:, None]
    return torch.from_numpy(nms(shifted.numpy(), scores.numpy(), most))
