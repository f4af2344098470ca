"""Conv, ConvTranspose, and the Pad in front of them or of a pooling."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..caffe_graph import CaffeGraph
from ..onnx_node import OnnxNode
from .registration import operator
from .sliding_window import Window, window

# A kernel is lengthened by zeros where Caffe lacks one-sided padding; more than this is no such thing.
LONGEST = 1024


@operator("Conv")
def conv(graph: CaffeGraph, node: OnnxNode) -> None:
    """Convolution; uneven pads become zeros in the kernel."""
    weight = graph.floats(node, 1)
    found = window(graph, node, weight.shape[2:])
    if found.before != (0, 0, 0, 0) and found.value != 0:
        node.fail(f"the Pad in front fills in {found.value:g}; Caffe pads with 0")
    weight, pads = _evenly_padded(graph, node, weight, found)
    options = {
        **_options(found, weight.shape[2:], pads),
        "num_output": weight.shape[0],
        "group": node.integer("group", 1),
    }
    _append(graph, node, "Convolution", found.blob, options, weight)


@operator("ConvTranspose")
def conv_transpose(graph: CaffeGraph, node: OnnxNode) -> None:
    """Deconvolution; uneven pads and `output_padding` become zeros in the kernel."""
    weight, group = graph.floats(node, 1), node.integer("group", 1)
    found = window(graph, node, weight.shape[2:])
    added = node.integers("output_padding") or [0, 0]
    if len(added) != 2 or min(added) < 0 or node.integers("output_shape"):
        node.fail(f"output_padding {added}, or an output_shape, cannot be expressed in Caffe")
    if found.before != (0, 0, 0, 0) or node.attribute("auto_pad", "NOTSET") not in (
        "NOTSET",
        "",
        "VALID",
    ):
        node.fail("a Pad in front and auto_pad cannot be expressed in Caffe")
    top, left, bottom, right = found.pads
    outer = (top, left, bottom - added[0], right - added[1])  # what the whole result is cut by
    weight, pads = _evenly_padded(graph, node, weight, replace(found, pads=outer))
    options = {
        **_options(found, weight.shape[2:], pads),
        "num_output": weight.shape[1] * group,
        "group": group,
    }
    _append(graph, node, "Deconvolution", found.blob, options, weight)


def _append(
    graph: CaffeGraph,
    node: OnnxNode,
    kind: str,
    blob: str,
    options: dict[str, Any],
    weight: NDArray[np.float32],
) -> None:
    blobs = [weight, *([graph.floats(node, 2)] if node.has_input(2) else [])]
    options["bias_term"] = len(blobs) > 1
    graph.layer(node, kind, [blob], {"convolution_param": options}, blobs)


def _options(found: Window, kernel: tuple[int, ...], pads: tuple[int, int]) -> dict[str, Any]:
    """The window's fields: one number where both axes agree, as people write it."""
    options: dict[str, Any] = {}
    fields = (
        ("kernel", "kernel_size", kernel),
        ("stride", "stride", found.strides),
        ("pad", "pad", pads),
    )
    for name, single, (vertical, horizontal) in fields:
        if vertical == horizontal:
            options[single] = [vertical]
        else:
            options[f"{name}_h"], options[f"{name}_w"] = vertical, horizontal
    if found.dilations != (1, 1):
        options["dilation"] = list(found.dilations)
    return options


def _evenly_padded(
    graph: CaffeGraph, node: OnnxNode, weight: NDArray[np.float32], found: Window
) -> tuple[NDArray[np.float32], tuple[int, int]]:
    """A kernel with zeros on the side that is padded less, and the pads of the other side.

    In the result of a transposed convolution the zeros are at the same side.
    """
    top, left, bottom, right = found.all_pads
    widths = [(0, 0), (0, 0)]
    for axis, (before, behind) in enumerate(((top, bottom), (left, right))):
        missing, rest = divmod(abs(before - behind), found.dilations[axis])
        if rest or missing > LONGEST:
            node.fail(f"pads {found.all_pads} differ before and behind, which Caffe cannot express")
        # With the larger pad on both sides: a kernel that starts with k zeros begins k pixels later,
        # one that ends with k zeros ends k pixels sooner.
        widths.append((missing, 0) if behind > before else (0, missing))
    sizes = zip(weight.shape, map(sum, widths), strict=True)
    graph.spend(node, math.prod(size + more for size, more in sizes) - weight.size)
    return np.pad(weight, widths), (max(top, bottom), max(left, right))


@operator("Pad")
def pad(graph: CaffeGraph, node: OnnxNode) -> None:
    """Waits for the Convolution or Pooling behind it; no padding of other axes than the last two."""
    if node.attribute("mode", "constant") != "constant":
        node.fail(f"mode {node.attribute('mode')} cannot be expressed in Caffe")
    value = node.number("value", 0.0)
    if node.opset >= 11:
        amounts = graph.integers(node, 1)
        value = float(graph.floats(node, 2).reshape(-1)[0]) if node.has_input(2) else 0.0
    else:
        amounts = node.integers("pads") or []
    rank = len(graph.shape(node))
    if node.has_input(3) or len(amounts) != 2 * rank or rank != 4:
        node.fail(f"pads {amounts} are not those of N x C x H x W")
    before, behind = amounts[:rank], amounts[rank:]
    if any(before[:2] + behind[:2]) or min(amounts) < 0:
        node.fail(f"pads {amounts}: Caffe pads height and width only, and never less than nothing")
    if not any(amounts):
        graph.same(node, graph.blob(node))
        return
    graph.padded[node.output] = (node, (before[2], before[3], behind[2], behind[3]), value)
