"""The kinds of windows for a cascade on the device: the rules of `windows/` in tensors."""

from __future__ import annotations

from abc import abstractmethod
from functools import singledispatch

import torch
from torch import Tensor, nn

from protoface.converters.errors import ProtofaceError

from ..windows.picture import PictureWindow
from ..windows.similarity import LARGEST, SimilarityWindow
from ..windows.square import SquareWindow
from ..windows.window_kind import WindowKind
from . import device_windows
from .device_windows import Windows


class DeviceWindow(nn.Module):
    """A rule of windows in tensors; see `WindowKind`.

    `whole`: it is always the whole picture. `turned`: its windows may be. `patch` as there.
    """

    whole = False
    turned = False
    patch = 0.0

    @abstractmethod
    def forward(self, before: Tensor | None, count: int, rows: int, columns: int) -> Windows:
        """The windows of `count` faces, given the points (count, points, 2) of the stage before."""

    def reach(self, rows: int, columns: int) -> float:
        """The side of the largest window or patch that it can make in such a picture, in pixels."""
        return max(rows, columns)


@singledispatch
def on_device(kind: WindowKind) -> DeviceWindow:
    """A rule on the device; add one by `@on_device.register`. Raises ProtofaceError for others."""
    raise ProtofaceError(f"looks through a {type(kind).__name__}")


class _Picture(DeviceWindow):
    whole = True
    anchor: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("anchor", torch.zeros(()), persistent=False)  # says where it computes

    def forward(self, before: Tensor | None, count: int, rows: int, columns: int) -> Windows:
        return device_windows.picture(count, rows, columns, self.anchor.device)


@on_device.register
def _(kind: PictureWindow) -> DeviceWindow:
    if kind.levels:
        raise ProtofaceError("looks at levels of the picture")
    return _Picture()


class _Square(DeviceWindow):
    def __init__(self, kind: SquareWindow) -> None:
        super().__init__()
        self.corners, self.k = kind.corners, kind.k

    def forward(self, before: Tensor | None, count: int, rows: int, columns: int) -> Windows:
        assert before is not None
        return device_windows.square(before, self.corners, self.k, rows, columns)


@on_device.register
def _(kind: SquareWindow) -> DeviceWindow:
    return _Square(kind)


class _Similarity(DeviceWindow):
    turned = True
    shape: Tensor

    def __init__(self, kind: SimilarityWindow) -> None:
        super().__init__()
        self.upright, self.patch = kind.upright, kind.patch
        shape = torch.tensor(kind.shape, dtype=torch.float64)
        self.register_buffer("shape", shape, persistent=False)

    def forward(self, before: Tensor | None, count: int, rows: int, columns: int) -> Windows:
        assert before is not None
        return device_windows.similarity(before, self.shape, self.upright, rows, columns)

    def reach(self, rows: int, columns: int) -> float:
        return max(rows, columns) * LARGEST * (self.patch or 1)


@on_device.register
def _(kind: SimilarityWindow) -> DeviceWindow:
    if kind.frame or kind.begins or not kind.robust:
        raise ProtofaceError("has a frame, starts with its shape or is not robust")
    return _Similarity(kind)
