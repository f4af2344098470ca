"""A cascade that stays on the device: pictures in, points out, without returning to the host.

It computes what `Cascade` does in clean mode with PyTorch, for pictures of one size, all levels in one
go, so that a GPU can keep it as one CUDA graph. Not imported by the package: it needs PyTorch.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from importlib.util import find_spec

import cv2
import torch
from torch import Tensor, nn

from protoface.converters.errors import ProtofaceError
from protoface.converters.fold import fold_batch_norm
from protoface.converters.graph import Net
from protoface.converters.pytorch import flush_weights, to_pytorch
from protoface.converters.runtimes import ends_of

from .. import cascade_pb2
from ..answers.answer_kind import make_answers
from ..definition import Loaded
from ..layouts import Layout, layout_of
from ..nets import fitted
from ..views.pixels import PixelsView, only_pixels
from ..windows import clean
from . import device_windows
from .device_resample import Areas, linear, whole
from .device_window_kinds import on_device
from .device_windows import Windows

#: Whether a kernel in Triton cuts the windows of AREA: PyTorch for CUDA brings it, but not on Windows.
HAS_KERNEL = torch.cuda.is_available() and find_spec("triton") is not None
if HAS_KERNEL:
    from .device_kernel import area

_Preprocess = cascade_pb2.PreprocessParameter
LACKING = "which a cascade on the device does not have; use another backend"
#: What makes points (levels, n, points, 2) of pictures (n, rows, columns, 3) uint8.
Run = Callable[[Tensor], Tensor]
#: From windows, height, width, and whether they may be turned: what the net sees of them.
Sample = Callable[[Windows, int, int, bool], Tensor]


class DeviceStage(nn.Module):
    """A net and the window it looks through; see `Stage`."""

    mean: Tensor
    order: Tensor
    opposite: Tensor

    def __init__(self, parameter: cascade_pb2.StageParameter, net: Loaded, layout: Layout) -> None:
        super().__init__()
        where = f"stage '{parameter.name}'"
        view = pixels_view(parameter, net, layout, where)
        assert isinstance(net, Net)
        self.net = flush_weights(to_pytorch(fold_batch_norm(net, parameter.net), where))
        try:
            self.window = on_device(view.window)
        except ProtofaceError as error:
            raise ProtofaceError(f"{where} {error}, {LACKING}") from error
        self.points, self.patch = len(layout), self.window.patch
        self.height, self.width = view.size
        self.area = view.interpolation == cv2.INTER_AREA
        self.swap, self.scale, self.flip_average = view.swap, view.scale, parameter.flip_average
        self.register_buffer("mean", torch.tensor(view.mean)[:, None, None], persistent=False)
        self.register_buffer("order", torch.tensor(layout.flip), persistent=False)
        # buffers, all of them: a CUDA graph cannot hold a copy from the host
        self.register_buffer("opposite", torch.tensor([-1.0, 1.0]), persistent=False)

    def factor(self, rows: int, columns: int) -> int:
        """The most by which this stage shrinks windows of such pictures; 0 if it needs no Sample."""
        if not self.area or self.window.whole:
            return 0
        return math.ceil(self.window.reach(rows, columns) / min(self.height, self.width))

    def forward(self, pictures: Tensor, sample: Sample | None, before: Tensor | None) -> Tensor:
        """Points (n, points, 2) float32 in pixels, given those of the stage before."""
        count, rows, columns = pictures.shape[:3]
        window = self.window(before, count, rows, columns)
        parts = window
        if self.patch and before is not None:
            parts = device_windows.patches(before, window, self.patch)
        inputs = self.make_input(pictures, sample, parts).reshape(count, -1, self.height, self.width)
        found = to_picture(self.answers(inputs), parts)
        return found if before is None else torch.where(window.seen[:, None, None], found, before)

    def make_input(self, pictures: Tensor, sample: Sample | None, windows: Windows) -> Tensor:
        """What the net sees of each window: (windows, 3, height, width)."""
        if self.area and self.window.whole:
            values = whole(pictures, self.height, self.width)
        elif self.area and sample is not None:
            values = sample(windows, self.height, self.width, self.window.turned)
        else:
            values = linear(pictures, windows, self.height, self.width)
        values = values * windows.seen[:, None, None, None]  # black where there is nothing
        return ((values.flip(1) if self.swap else values) - self.mean) * self.scale

    def answers(self, inputs: Tensor) -> Tensor:
        """What the net answers, (n, points, 2); with `flip_average` the mean of both ways to look."""
        count, channels, height, width = inputs.shape
        if not self.flip_average:
            return self._run(inputs)
        parts = inputs.reshape(count, channels // 3, 3, height, width).flip(-1)
        mirrored = (parts[:, self.order] if channels > 3 else parts).reshape(inputs.shape)
        plain, turned = self._run(torch.cat((inputs, mirrored))).chunk(2)
        return (plain + turned[:, self.order] * self.opposite) / 2

    def _run(self, inputs: Tensor) -> Tensor:
        kind = next(self.net.parameters()).dtype
        answers: Tensor = self.net(inputs.to(kind)).float()
        return answers.reshape(len(inputs), self.points, 2)


class DeviceCascade(nn.Module):
    """`forward` takes pictures (n, rows, columns, 3) uint8 BGR, the points are (levels, n, points, 2).

    Points are float32 pixels, those of the last level the final ones. `.to(device)` moves it;
    `half_nets` lets the nets compute in float16. Raises ProtofaceError for what it does not have:
    stages that look through a given box, that are ONNX files, NEAREST and CUBIC.
    """

    def __init__(self, definition: cascade_pb2.CascadeParameter, nets: Sequence[Loaded]) -> None:
        super().__init__()
        layout = layout_of(definition, definition.name)
        self.stages = [
            DeviceStage(stage, net, layout) for stage, net in zip(definition.stage, nets, strict=True)
        ]
        self.parts = nn.ModuleList(self.stages)
        self.eval()

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        return self.stages[0].mean.device

    def half_nets(self) -> DeviceCascade:
        """Itself, with nets that compute in float16; windows and points stay as they are."""
        for stage in self.stages:
            stage.net.half()
        return self

    def forward(self, pictures: Tensor) -> Tensor:
        """See the class."""
        rows, columns = pictures.shape[1:3]
        factor = max(stage.factor(rows, columns) for stage in self.stages)
        sample = sampler(pictures, factor) if factor else None
        levels: list[Tensor] = []
        for stage in self.stages:
            levels.append(stage(pictures, sample, levels[-1] if levels else None))
        return torch.stack(levels)


def sampler(pictures: Tensor, factor: int) -> Sample:
    """What cuts out windows by INTER_AREA, shrunk by `factor` at most; the same values either way."""
    if HAS_KERNEL and pictures.is_cuda:
        return partial(area, pictures)
    return Areas(pictures, factor).sample


def to_picture(answers: Tensor, windows: Windows) -> Tensor:
    """`window.to_picture` of answers (n, points, 2) in windows (n), or in patches (n * points)."""
    half = torch.stack((windows.width - 1, windows.height - 1), -1).float() / 2
    turn = torch.stack((windows.cos, windows.sin), -1).float()
    centre = torch.stack(windows.centre, -1).float()
    half, turn, centre = (values.reshape(len(answers), -1, 2) for values in (half, turn, centre))
    (x, y), (cos, sin) = (answers * half).unbind(-1), turn.unbind(-1)
    return torch.stack((x * cos - y * sin, x * sin + y * cos), -1) + centre


def pixels_view(
    parameter: cascade_pb2.StageParameter, net: Loaded, layout: Layout, where: str
) -> PixelsView:
    """The one view of a stage, whose net fits it.

    Raises ProtofaceError naming the stage and what of it a DeviceCascade does not have.
    """
    if not isinstance(net, Net):
        raise ProtofaceError(f"{where} is an ONNX file, {LACKING}")
    view = only_pixels(parameter, layout, clean, where)
    answers = make_answers(parameter, layout, clean, where)
    if view is None or len(answers) > 1:
        raise ProtofaceError(f"{where} has several views or answers, {LACKING}")
    if not view.plain:
        raise ProtofaceError(f"{where} is gray, or has deviations or pictures of means, {LACKING}")
    if parameter.HasField("keep") or not answers[0].on_device:
        raise ProtofaceError(f"{where} keeps some faces, or answers other than points, {LACKING}")
    fitted(parameter, ends_of(net, parameter.net), [view], answers)
    if view.interpolation not in (cv2.INTER_LINEAR, cv2.INTER_AREA):
        pixels = parameter.view[0].pixels if parameter.view else parameter
        name = _Preprocess.Interpolation.Name(pixels.preprocess.interpolation)
        raise ProtofaceError(f"{where} resizes by {name}, {LACKING}")
    return view
