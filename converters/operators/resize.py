"""Resize and Upsample."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .registry import OnnxNode, operator

if TYPE_CHECKING:
    from ..caffe_graph import CaffeGraph

# Coordinates and roundings by which a whole factor repeats each pixel.
REPEATING = {
    ("half_pixel", "round_prefer_floor"),
    ("half_pixel", "round_prefer_ceil"),
    ("asymmetric", "floor"),
    ("pytorch_half_pixel", "round_prefer_floor"),
}


@operator("Resize", "Upsample")
def resize(graph: CaffeGraph, node: OnnxNode) -> None:
    """Nearest by a whole factor: a Deconvolution with one group per channel, all of its weights 1."""
    shape = graph.shape(node)
    if len(shape) != 4:
        node.fail(f"its input {list(shape)} is not N x C x H x W")
    factors = _factors(graph, node, shape)
    coordinates = (
        node.attribute("coordinate_transformation_mode", "half_pixel"),
        node.attribute("nearest_mode", "round_prefer_floor"),
    )
    repeats = node.operator == "Upsample" or coordinates in REPEATING
    if node.attribute("mode", "nearest") != "nearest" or not repeats:
        node.fail(f"mode {node.attribute('mode')}, {coordinates}: only nearest can be expressed")
    vertical, horizontal = factors
    options = {
        "num_output": shape[1],
        "group": shape[1],
        "bias_term": False,
        "kernel_h": vertical,
        "kernel_w": horizontal,
        "stride_h": vertical,
        "stride_w": horizontal,
    }
    weight = np.ones((shape[1], 1, vertical, horizontal), np.float32)
    graph.layer(node, "Deconvolution", [graph.blob(node)], {"convolution_param": options}, [weight])


def _factors(graph: CaffeGraph, node: OnnxNode, shape: tuple[int, ...]) -> tuple[int, int]:
    """Whole factors of height and width, out of `scales` or `sizes`."""
    if node.has_input(3):
        factors = [size / old for size, old in zip(graph.integers(node, 3), shape, strict=False)]
    else:
        index = 1 if node.operator == "Upsample" or node.opset < 11 else 2
        scales = graph.floats(node, index) if node.has_input(index) else node.attribute("scales", [])
        factors = [float(factor) for factor in scales]
    whole = [int(factor) for factor in factors if factor == factor and abs(factor) < 64]
    if len(factors) != 4 or whole != factors or whole[:2] != [1, 1] or min(whole) < 1:
        node.fail(f"scales {factors}: only whole factors of height and width can be expressed")
    return whole[2], whole[3]
