"""A cascade whose faces are white squares on black: nets of constant weights, worked out by hand.

The finder's score is high where the inner 12 pixels of a cell of 16 are white and those around them
are black; its boxes are the inner pixels. The second stage's score is high where all of a crop is
white; its points are the middles.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from protoface.converters.fillers import fill
from protoface.converters.graph import Net
from protoface.converters.net_text import read_net
from protoface.converters.weights import write_weights

FINDER = """
name: "finder"
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 3 dim: 24 dim: 24 } } }
layer { name: "logit" type: "Convolution" bottom: "data" top: "logit" convolution_param {
  num_output: 1 kernel_size: 16 stride: 2 bias_filler { value: -22 } } }
layer { name: "score" type: "Sigmoid" bottom: "logit" top: "score" }
layer { name: "box" type: "Convolution" bottom: "data" top: "box" convolution_param {
  num_output: 4 kernel_size: 16 stride: 2 } }
"""
REFINER = """
name: "refiner"
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 3 dim: 16 dim: 16 } } }
layer { name: "logit" type: "InnerProduct" bottom: "data" top: "logit" inner_product_param {
  num_output: 1 weight_filler { value: 0.0520833 } bias_filler { value: -30 } } }
layer { name: "score" type: "Sigmoid" bottom: "logit" top: "score" }
layer { name: "points" type: "InnerProduct" bottom: "data" top: "points" inner_product_param {
  num_output: 10 weight_filler { value: 0 } bias_filler { value: 0.5 } } }
"""
MAP = "map { cell: 16 stride: 2 }"
FIRST = f"""
stage {{
  name: "finder" net: "finder.prototxt" weights: "finder.caffemodel"
  preprocess {{ scale: 0.00392157 interpolation: AREA }}
  window {{ picture {{ least_face: 16 cell: 16 factor: 0.7 }} }}
  answer {{ blob: "score" score {{}} {MAP} }}
  answer {{ blob: "box" box {{}} {MAP} }}
  keep {{ score: 0.6 overlap: 0.3 overlap_all: 0.3 }}
}}
"""
SECOND = """
stage {
  name: "refiner" net: "refiner.prototxt" weights: "refiner.caffemodel"
  preprocess { scale: 0.00392157 size: 16 interpolation: AREA }
  window { box { square: true border: BLACK } }
  answer { blob: "score" score {} }
  answer { blob: "points" points { order: AXES range: CORNER } }
  keep { score: 0.5 overlap_all: 0.3 }
}
"""


def write_bright_faces(folder: Path, first: str = FIRST, second: str = SECOND) -> Path:
    """Write the cascade into a folder, with other stages if they are given; returns the folder."""
    for name, text in (("finder", FINDER), ("refiner", REFINER)):
        (folder / f"{name}.prototxt").write_text(text)
        net = fill(read_net(folder / f"{name}.prototxt"), 0)
        if name == "finder":
            _set(net, "logit", 0, np.broadcast_to(_inner(), (1, 3, 16, 16)) / 3)
            _set(net, "box", 1, np.array([2, 2, -2, -2]) / 16)
        write_weights(folder / f"{name}.caffemodel", net)
    (folder / "cascade.prototxt").write_text(f'name: "bright" layout: "celeba5" {first} {second}')
    return folder


def _inner() -> NDArray[np.float64]:
    """40 times the mean of the inner pixels, less 40 times that of those around them."""
    inner = np.zeros((16, 16))
    inner[2:-2, 2:-2] = 1
    return 40 * (inner / inner.sum() - (1 - inner) / (1 - inner).sum())


def _set(net: Net, layer: str, index: int, values: NDArray[np.float64]) -> None:
    (blob,) = (one.blobs[index] for one in net.layer if one.name == layer)
    blob.data[:] = values.ravel().tolist()


def bright_picture(
    squares: list[tuple[int, int, int]], rows: int = 120, columns: int = 160
) -> NDArray[np.uint8]:
    """White squares (x, y, side) on black."""
    image = np.zeros((rows, columns, 3), np.uint8)
    for x, y, side in squares:
        cv2.rectangle(image, (x, y), (x + side - 1, y + side - 1), (255, 255, 255), -1)
    return image
