"""Kernel, strides, pads and dilations of sliding windows, read as ONNX defines them."""

from __future__ import annotations

from dataclasses import dataclass

from ..caffe_graph import CaffeGraph
from ..onnx_node import OnnxNode

Pads = tuple[int, int, int, int]
NO_PADS: Pads = (0, 0, 0, 0)


@dataclass(frozen=True)
class Window:
    """A window over the last two axes; `pads` are top, left, bottom, right, in pixels.

    `before` are those of a Pad node in front, which `pads` do not contain, `value` what it fills in.
    """

    blob: str
    size: tuple[int, int]
    kernel: tuple[int, int]
    strides: tuple[int, int]
    dilations: tuple[int, int]
    pads: Pads
    before: Pads
    value: float

    @property
    def all_pads(self) -> Pads:
        """The node's own pads and those of the Pad in front."""
        top, left, bottom, right = (a + b for a, b in zip(self.pads, self.before, strict=True))
        return top, left, bottom, right


def window(graph: CaffeGraph, node: OnnxNode, kernel: tuple[int, ...] | None = None) -> Window:
    """The window of a node whose first input is N x C x H x W; `kernel` is its weight's, if it has one.

    Fails for other numbers of axes.
    """
    before, value, blob = NO_PADS, 0.0, ""
    if node.input(0) in graph.padded:
        pad, before, value = graph.padded[node.input(0)]
        blob = graph.blob(pad)
    else:
        blob = graph.blob(node)
    shape = graph.shape_of(blob)
    if len(shape) != 4:
        node.fail(f"its input {list(shape)} is not N x C x H x W, all that Caffe's layer takes")
    given = node.integers("kernel_shape") or list(kernel or ())
    if len(given) != 2 or (kernel is not None and tuple(given) != tuple(kernel)):
        node.fail(f"kernel_shape {given} is not that of two axes")
    strides, dilations = _pair(node, "strides"), _pair(node, "dilations")
    size = (shape[2] + before[0] + before[2], shape[3] + before[1] + before[3])
    extent = [dilations[i] * (given[i] - 1) + 1 for i in (0, 1)]
    pads = _pads(node, size, strides, extent)
    pair = (given[0], given[1])
    return Window(blob, (shape[2], shape[3]), pair, strides, dilations, pads, before, value)


def _pair(node: OnnxNode, name: str) -> tuple[int, int]:
    values = node.integers(name) or [1, 1]
    if len(values) != 2 or min(values) < 1:
        node.fail(f"{name} {values} must be two positive numbers")
    return values[0], values[1]


def _pads(node: OnnxNode, size: tuple[int, int], strides: tuple[int, int], extent: list[int]) -> Pads:
    automatic = node.attribute("auto_pad", "NOTSET")
    if automatic == "VALID":
        return NO_PADS
    if automatic not in ("NOTSET", "", "SAME_UPPER", "SAME_LOWER"):
        node.fail(f"auto_pad {automatic!r} is unknown")
    if automatic in ("NOTSET", ""):
        pads = node.integers("pads") or list(NO_PADS)
        if len(pads) != 4 or min(pads) < 0:
            node.fail(f"pads {pads} must be four numbers that are not negative")
        return pads[0], pads[1], pads[2], pads[3]
    first, second = [0, 0], [0, 0]
    for i in (0, 1):
        total = max(0, (-(-size[i] // strides[i]) - 1) * strides[i] + extent[i] - size[i])
        half, rest = total // 2, total - total // 2
        first[i], second[i] = (half, rest) if automatic == "SAME_UPPER" else (rest, half)
    return first[0], first[1], second[0], second[1]
