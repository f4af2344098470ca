"""A small recipe: drawn faces, a cascade of two stages with tiny nets."""

from __future__ import annotations

from pathlib import Path

from ..sets.celeba_folder import write_partition, write_set

NET = """
name: "small"
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: [1, 3, 16, 16] } } }
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv" convolution_param {
  num_output: 8 kernel_size: 3 stride: 2 bias_term: false weight_filler { type: "msra" } } }
layer { name: "bn" type: "BatchNorm" bottom: "conv" top: "conv" }
layer { name: "scale" type: "Scale" bottom: "conv" top: "conv" scale_param { bias_term: true } }
layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }
layer { name: "drop" type: "Dropout" bottom: "conv" top: "conv" dropout_param { dropout_ratio: 0.1 } }
layer { name: "fc" type: "InnerProduct" bottom: "conv" top: "fc" inner_product_param {
  num_output: 10 weight_filler { type: "gaussian" std: 0.01 } } }
"""
POINTS = """
point { name: "left_eye" flip: "right_eye" }
point { name: "right_eye" flip: "left_eye" }
point { name: "nose" }
point { name: "left_mouth" flip: "right_mouth" }
point { name: "right_mouth" flip: "left_mouth" }
"""
SHAPE = """
shape { x: -0.45 y: -0.4 } shape { x: 0.45 y: -0.4 } shape { x: 0 y: 0.1 }
shape { x: -0.37 y: 0.5 } shape { x: 0.37 y: 0.5 }
"""
PREPROCESS = "preprocess { mean: 127.5 scale: 0.015625 size: 16 interpolation: AREA }"
CASCADE = f"""
name: "small"
{POINTS}
stage {{ name: "level_1" net: "net.prototxt" {PREPROCESS} window {{ picture {{}} }} }}
stage {{ name: "level_2" net: "net.prototxt" {PREPROCESS}
  window {{ similarity {{ {SHAPE} }} }} }}
"""
RECIPE = """
name: "small"
cascade: "cascade.prototxt"
data { folder: "faces" partition: "train" }
validation { folder: "faces" partition: "val" }
training { batch_size: 8 epochs: 8 base_lr: 0.01 }
stage { name: "level_2" training { epochs: 6 augment { shift: 0.01 } } }
"""


def write_recipe(folder: Path, faces: int = 30) -> Path:
    """Write data, net, cascade and recipe into the working directory; returns the recipe's path."""
    points = write_set(folder / "faces", faces, 64)
    write_partition(folder / "faces", {name: int(i % 5 == 0) for i, name in enumerate(points)})
    (folder / "net.prototxt").write_text(NET)
    (folder / "cascade.prototxt").write_text(CASCADE)
    (folder / "recipe.prototxt").write_text(RECIPE)
    return folder / "recipe.prototxt"
