"""Modules that stand in for others while a peer is imported, and what they compute."""

import importlib
import sys

import numpy as np
import pytest
import torch

from protoface.eval.stand_ins import batched_nms, standing_in

CONTENTS = {"no_such_module": {"one": 1}, "no_such_module.inner": {"two": 2}}


def test_they_are_there_only_meanwhile():
    with standing_in(CONTENTS) as used:
        assert used
        module = importlib.import_module("no_such_module")
        assert (module.one, module.inner.two) == (1, 2)
        assert importlib.import_module("no_such_module.inner").two == 2
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("no_such_module")


def test_they_leave_after_an_error_too():
    with pytest.raises(RuntimeError), standing_in(CONTENTS):
        raise RuntimeError
    assert not any(name.startswith("no_such_module") for name in sys.modules)


def test_what_is_installed_is_not_replaced():
    with standing_in({"json": {"loads": None}}) as used:
        assert not used
        assert importlib.import_module("json").loads is not None


def slow_nms(boxes, scores, groups, threshold):
    """As torchvision says that it works: each box falls that overlaps a better one of its group."""
    kept = []
    for index in np.argsort(-scores, kind="stable"):
        left, top, right, bottom = boxes[index]
        for other in kept:
            x, y = max(left, boxes[other][0]), max(top, boxes[other][1])
            ends = min(right, boxes[other][2]), min(bottom, boxes[other][3])
            shared = max(0, ends[0] - x) * max(0, ends[1] - y)
            areas = [(b[2] - b[0]) * (b[3] - b[1]) for b in (boxes[index], boxes[other])]
            if groups[other] == groups[index] and shared / (sum(areas) - shared) > threshold:
                break
        else:
            kept.append(int(index))
    return kept


@pytest.mark.parametrize("threshold", [0.5, 0.7])
def test_overlapping_boxes_are_suppressed_group_by_group(threshold):
    generator = np.random.default_rng(0)
    corners = generator.uniform(0, 100, (300, 2))
    boxes = np.concatenate((corners, corners + generator.uniform(20, 60, (300, 2))), axis=1)
    scores, groups = generator.permutation(300) / 300, generator.integers(0, 2, 300)
    ours = batched_nms(torch.tensor(boxes), torch.tensor(scores), torch.tensor(groups), threshold)
    assert ours.dtype == torch.int64
    assert ours.tolist() == slow_nms(boxes, scores, groups, threshold)
    none = batched_nms(torch.zeros(0, 4), torch.zeros(0), torch.zeros(0, dtype=torch.int64), threshold)
    assert none.tolist() == []
