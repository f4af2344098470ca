"""Resize and Upsample."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..caffe_graph import CaffeGraph
from ..onnx_node import OnnxNode
from .registration import operator

LARGEST = 64  # factor of a Deconvolution's kernel; no net resizes by more in one step
# Coordinates and roundings by which a whole factor repeats each pixel.
REPEATING = {
    ("half_pixel", "round_prefer_floor"),
    ("half_pixel", "round_prefer_ceil"),
    ("asymmetric", "floor"),
    ("pytorch_half_pixel", "round_prefer_floor"),
}
#: Where pixel x of `size` new ones lies among the old ones.
COORDINATES: dict[str, Callable[[NDArray[Any], float, int], NDArray[Any]]] = {
    "align_corners": lambda x, factor, size: x,  # never asked for: Interp does it
    "asymmetric": lambda x, factor, size: x / factor,
    "half_pixel": lambda x, factor, size: (x + 0.5) / factor - 0.5,
    "pytorch_half_pixel": lambda x, factor, size: (x + 0.5) / factor - 0.5 if size > 1 else 0.0 * x,
}


@operator("Resize", "Upsample")
def resize(graph: CaffeGraph, node: OnnxNode) -> None:
    """Nearest by a whole factor: a Deconvolution of ones; linear: Interp, or two products."""
    shape = graph.shape(node)
    if len(shape) != 4:
        node.fail(f"its input {list(shape)} is not N x C x H x W")
    transformation = "asymmetric" if node.operator == "Upsample" or node.opset < 11 else "half_pixel"
    coordinates = (
        node.attribute("coordinate_transformation_mode", transformation),
        node.attribute("nearest_mode", "round_prefer_floor"),
    )
    if node.attribute("mode", "nearest") in ("linear", "bilinear") and coordinates[0] in COORDINATES:
        _linear(graph, node, coordinates[0], _factors(graph, node, shape))
        return
    repeats = node.operator == "Upsample" or coordinates in REPEATING
    if node.attribute("mode", "nearest") != "nearest" or not repeats:
        node.fail(f"mode {node.attribute('mode')}, {coordinates}: cannot be expressed")
    _repeat(graph, node, _factors(graph, node, shape))


def _linear(graph: CaffeGraph, node: OnnxNode, coordinates: str, factors: list[float]) -> None:
    shape = graph.shape(node)
    if factors[:2] != [1, 1] or not all(0 < factor < LARGEST for factor in factors):
        node.fail(f"scales {factors}: only height and width can be resized")
    if node.integer("antialias", 0):
        node.fail("antialias cannot be expressed")
    # ONNX rounds down, and scales are float32: just below a whole number means that number
    height, width = (math.floor(shape[i] * factors[i] + 1e-4) for i in (2, 3))
    if coordinates == "align_corners":
        options = {"interp_param": {"height": height, "width": width}}
        graph.layer(node, "Interp", [graph.blob(node)], options)
        return
    blob = graph.blob(node)
    for axis, size in ((3, width), (2, height)):  # each leaves the two axes in the other's place
        graph.spend(node, size * shape[axis])
        weight = _interpolation(coordinates, shape[axis], size, factors[axis])
        product = {"num_output": size, "bias_term": False, "axis": 3}
        options = {"inner_product_param": product}
        blob = graph.layer(node, "InnerProduct", [blob], options, [weight], inner=f"axis_{axis}")
        turned = {"permute_param": {"order": [0, 1, 3, 2]}}
        inner = "" if axis == 2 else "turned"
        blob = graph.layer(node, "Permute", [blob], turned, inner=inner)


def _interpolation(coordinates: str, old: int, new: int, factor: float) -> NDArray[np.float32]:
    """What every one of `new` pixels takes of each of `old` ones, (new, old)."""
    places = COORDINATES[coordinates](np.arange(new), factor, new).clip(0, old - 1)
    below = np.floor(places).astype(int)
    above, share = np.minimum(below + 1, old - 1), places - below
    weight = np.zeros((new, old), np.float32)
    np.add.at(weight, (np.arange(new), below), 1 - share)
    np.add.at(weight, (np.arange(new), above), share)
    return weight


def _repeat(graph: CaffeGraph, node: OnnxNode, factors: list[float]) -> None:
    channels = graph.shape(node)[1]
    whole = [int(factor) for factor in factors if 0 < factor < LARGEST]
    if whole != factors or whole[:2] != [1, 1]:
        node.fail(f"scales {factors}: only whole factors of height and width can be expressed")
    _, _, vertical, horizontal = whole
    options = {
        "num_output": channels,
        "group": channels,
        "bias_term": False,
        "kernel_h": vertical,
        "kernel_w": horizontal,
        "stride_h": vertical,
        "stride_w": horizontal,
    }
    graph.spend(node, channels * vertical * horizontal)
    weight = np.ones((channels, 1, vertical, horizontal), np.float32)
    graph.layer(node, "Deconvolution", [graph.blob(node)], {"convolution_param": options}, [weight])


def _factors(graph: CaffeGraph, node: OnnxNode, shape: tuple[int, ...]) -> list[float]:
    """Factors of the four axes, out of `scales` or `sizes`."""
    if node.has_input(3):
        factors = [size / old for size, old in zip(graph.integers(node, 3), shape, strict=False)]
    else:
        index = 1 if node.operator == "Upsample" or node.opset < 11 else 2
        scales = graph.floats(node, index) if node.has_input(index) else node.attribute("scales", [])
        factors = [float(factor) for factor in scales]
    if len(factors) != 4:
        node.fail(f"scales {factors} are not those of four axes")
    return factors
