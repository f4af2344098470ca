"""MaxPool, AveragePool and the global ones."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..caffe_graph import CaffeGraph
from ..layers.geometry import Geometry
from ..layers.pooling import LOWEST, pooled_size
from ..onnx_node import OnnxNode
from .registration import operator
from .sliding_window import Window, window

AXES = (0, 1)


@operator("GlobalAveragePool", "GlobalMaxPool")
def global_pool(graph: CaffeGraph, node: OnnxNode) -> None:
    """Pooling over the whole plane."""
    pool = "MAX" if node.operator == "GlobalMaxPool" else "AVE"
    options = {"pool": pool, "global_pooling": True}
    graph.layer(node, "Pooling", [graph.blob(node)], {"pooling_param": options})


@operator("MaxPool")
def max_pool(graph: CaffeGraph, node: OnnxNode) -> None:
    """MAX pooling: padding never wins, so only the number of windows must agree."""
    found = window(graph, node)
    if len(node.outputs) > 1 or node.integer("storage_order", 0) or found.dilations != (1, 1):
        node.fail("indices, storage_order and dilations cannot be expressed in Caffe")
    if found.before != (0, 0, 0, 0) and found.value > LOWEST:
        node.fail(f"the Pad in front fills in {found.value:g}, which may be a window's maximum")
    _append(graph, node, found, "MAX")


@operator("AveragePool")
def average_pool(graph: CaffeGraph, node: OnnxNode) -> None:
    """AVE pooling; where ONNX divides by another number of pixels, a Scale makes up for it."""
    found = window(graph, node)
    if found.dilations != (1, 1):
        node.fail("dilations cannot be expressed in Caffe")
    if found.before != (0, 0, 0, 0) and found.value != 0:
        node.fail(f"the Pad in front fills in {found.value:g}; Caffe pads with 0")
    _append(graph, node, found, "AVE")


def _append(graph: CaffeGraph, node: OnnxNode, found: Window, pool: str) -> None:
    count = _windows(node, found)
    geometry, floor = _geometry(node, found, count)
    options: dict[str, Any] = {"pool": pool}
    fields = (("kernel", "kernel_size", geometry.kernel), ("stride", "stride", geometry.stride))
    for name, single, (vertical, horizontal) in (*fields, ("pad", "pad", geometry.pad)):
        if vertical == horizontal:
            options[single] = vertical
        else:
            options[f"{name}_h"], options[f"{name}_w"] = vertical, horizontal
    if floor:
        options["round_mode"] = "FLOOR"
    factor = _factor(graph, node, found, geometry, count) if pool == "AVE" else None
    inner = "" if factor is None else "mean"
    top = graph.layer(node, "Pooling", [found.blob], {"pooling_param": options}, inner=inner)
    if factor is not None:
        graph.layer(node, "Scale", [top], {"scale_param": {"axis": 2, "num_axes": 2}}, [factor])


def _windows(node: OnnxNode, found: Window) -> tuple[int, int]:
    """Windows along both axes, as ONNX counts them."""
    counts = []
    for i in AXES:
        before, behind = found.all_pads[i], found.all_pads[i + 2]
        free = found.size[i] + before + behind - found.kernel[i]
        stride = found.strides[i]
        count = free // stride + 1
        if node.integer("ceil_mode", 0):
            count = -(-free // stride) + 1
            # none starts in the padding behind (ONNX, AveragePool and MaxPool)
            if (count - 1) * stride >= found.size[i] + before:
                count -= 1
        if free < 0 or count < 1:
            node.fail(f"its kernel {found.kernel} is larger than its padded input {found.size}")
        counts.append(count)
    return counts[0], counts[1]


def _geometry(node: OnnxNode, found: Window, count: tuple[int, int]) -> tuple[Geometry, bool]:
    """Caffe's window that starts at the same pixels, as often, and whether it rounds down."""
    geometry = Geometry(found.kernel, found.all_pads[:2], found.strides)
    for floor in (False, True):
        sizes = tuple(pooled_size(found.size[i], i, geometry, floor) for i in AXES)
        if sizes == count and all(geometry.pad[i] < found.kernel[i] for i in AXES):
            return geometry, floor
    if count == (1, 1) and not any(geometry.pad) and found.size == found.kernel:
        return replace(geometry, stride=(1, 1)), False
    node.fail(f"pads {found.all_pads} with {count} windows cannot be expressed in Caffe")


def _factor(
    graph: CaffeGraph, node: OnnxNode, found: Window, geometry: Geometry, count: tuple[int, int]
) -> NDArray[np.float32] | None:
    """Pixels that Caffe divides by / pixels that ONNX divides by, (H, W); None if 1 everywhere."""
    included = bool(node.integer("count_include_pad", 0))
    graph.spend(node, 12 * sum(count))
    caffe, onnx = [], []
    for i in AXES:
        start = np.arange(count[i]) * geometry.stride[i] - geometry.pad[i]
        stop = start + geometry.kernel[i]
        caffe.append(np.minimum(stop, found.size[i] + geometry.pad[i]) - start)
        # what a Pad node added is part of the picture; the node's own pads count if it says so
        low, high = -found.before[i], found.size[i] + found.before[i + 2]
        if included:
            low, high = low - found.pads[i], high + found.pads[i + 2]
        onnx.append(np.minimum(stop, high) - np.maximum(start, low))
    if any((length <= 0).any() for length in (*caffe, *onnx)):
        node.fail("averages over no pixel in its last window")
    vertical, horizontal = (a / b for a, b in zip(caffe, onnx, strict=True))
    if (vertical == 1).all() and (horizontal == 1).all():
        return None
    graph.spend(node, math.prod(count))
    factor: NDArray[np.float32] = (vertical[:, None] * horizontal).astype(np.float32)
    return factor
