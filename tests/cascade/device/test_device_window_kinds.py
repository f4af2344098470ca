"""Rules on the device are those of `cascade/windows`, each made of its rule."""

import numpy as np
import pytest
import torch

from protoface.cascade.device.device_window_kinds import on_device
from protoface.cascade.windows.similarity import LARGEST
from protoface.cascade.windows.window_kind import WINDOWS, WindowKind
from protoface.converters import ProtofaceError

from ..windows.rules import rule
from .test_device_windows import COLUMNS, ROWS, SHAPE, SIZE, check, faces

SHAPES = " ".join(f"shape {{ x: {x!r} y: {y!r} }}" for x, y in SHAPE.tolist())
RULES = {
    "picture": "picture {}",
    "square": 'square { around: "nose" k: 1.7 a: "left_eye" b: "right_mouth" }',
    "similarity": f"similarity {{ {SHAPES} }}",
    "upright": f"similarity {{ {SHAPES} upright: false }}",
}
KNOWN = pytest.mark.parametrize("name", list(RULES))


@KNOWN
def test_they_are_the_windows_of_the_rule(name):
    kind, points = rule(RULES[name]), faces(4)
    expected = [kind.over(SIZE, None, face) for face in points]
    before = None if name == "picture" else torch.from_numpy(points)
    found = on_device(kind)(before, len(points), ROWS, COLUMNS)
    check(found, expected)


@KNOWN
def test_none_is_larger_than_its_reach(name):
    """By it pictures are summed up as far as windows need it."""
    kind, points = rule(RULES[name]), faces(0)
    device = on_device(kind)
    windows = [kind.over(SIZE, None, face) for face in points]
    largest = max(max(window.width, window.height) for window in windows)
    assert largest <= device.reach(ROWS, COLUMNS)


def test_the_reach_of_patches_is_theirs():
    device = on_device(rule(f"similarity {{ {SHAPES} patch: 0.25 }}"))
    assert device.patch == 0.25
    assert device.reach(ROWS, COLUMNS) == 0.25 * LARGEST * COLUMNS


@KNOWN
def test_what_they_say_of_themselves(name):
    device = on_device(rule(RULES[name]))
    assert device.whole == (name == "picture")
    # an upright similarity has the same rule of blocks: one factor for both axes
    assert device.turned == (name in ("similarity", "upright"))


@KNOWN
def test_they_hold_nothing_that_would_stay_on_the_host(name):
    """All tensors are buffers, which move with the module."""
    device = on_device(rule(RULES[name])).to("meta")
    assert all(tensor.device.type == "meta" for tensor in device.buffers())
    kept = [value for value in vars(device).values() if isinstance(value, torch.Tensor | np.ndarray)]
    assert kept == []


def test_a_given_box_is_not_known():
    with pytest.raises(ProtofaceError, match="^looks through a BoxWindow$"):
        on_device(rule("box {}"))


def test_every_kind_is_known_or_refused_by_name():
    """A new one is refused until it is taught."""

    class OtherWindow(WindowKind):
        def over(self, size, box, points):
            raise NotImplementedError

    with pytest.raises(ProtofaceError, match="looks through a OtherWindow"):
        on_device(OtherWindow(None, None, None))
    known = {kind for kind in WINDOWS.names() if on_device.dispatch(WINDOWS._classes[kind]) is not
             on_device.dispatch(object)}  # fmt: skip
    assert known == {"picture", "square", "similarity"}
