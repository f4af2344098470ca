"""A small recipe of two nets that judge windows, of 12 and of 24 pixels: bright heads on noise."""

from __future__ import annotations

from pathlib import Path

from .finder_run import write_faces, write_finder


def layer(name: str, bottom: str, out: int, kernel: int, stride: int = 1) -> str:
    return f"""
layer {{ name: "{name}" type: "Convolution" bottom: "{bottom}" top: "{name}" convolution_param {{
  num_output: {out} kernel_size: {kernel} stride: {stride} weight_filler {{ type: "xavier" }} }} }}"""


def linear(name: str, bottom: str, out: int) -> str:
    return f"""
layer {{ name: "{name}" type: "InnerProduct" bottom: "{bottom}" top: "{name}" inner_product_param {{
  num_output: {out} weight_filler {{ type: "xavier" }} }} }}"""


def body(name: str, size: int) -> str:
    return f"""
name: "{name}"
layer {{ name: "data" type: "Input" top: "data" input_param {{
  shape {{ dim: [1, 3, {size}, {size}] }} }} }}"""


def relu(name: str) -> str:
    return f'\nlayer {{ name: "{name}/relu" type: "PReLU" bottom: "{name}" top: "{name}" }}'


SCORE = '\nlayer { name: "score" type: "Softmax" bottom: "logits" top: "score" }\n'
#: 12 -> 5 -> 3 -> 1
FIRST = f"""{body("first", 12)}{layer("a", "data", 8, 4, 2)}{relu("a")}
{layer("b", "a", 12, 3)}{relu("b")}{layer("c", "b", 16, 3)}{relu("c")}
{layer("logits", "c", 2, 1)}{layer("box", "c", 4, 1)}{SCORE}"""
#: 24 -> 11 -> 4 -> 1
SECOND = f"""{body("second", 24)}{layer("a", "data", 8, 4, 2)}{relu("a")}
{layer("b", "a", 12, 4, 2)}{relu("b")}{layer("c", "b", 16, 4)}{relu("c")}
{linear("logits", "c", 2)}{linear("box", "c", 4)}{linear("points", "c", 10)}{SCORE}"""
CASCADE = """
name: "two"
layout: "celeba5"
stage {
  name: "first"
  net: "first.prototxt"
  preprocess { color_order: RGB mean: 127.5 scale: 0.0078125 interpolation: AREA }
  window { picture { least_face: 14 cell: 12 factor: 0.75 } }
  answer { blob: "score" score { channel: 1 } map { cell: 12 stride: 2 } }
  answer { blob: "box" box {} map { cell: 12 stride: 2 } }
  keep { score: 0.4 overlap: 0.5 overlap_all: 0.7 of: WINDOWS }
}
stage {
  name: "second"
  net: "second.prototxt"
  preprocess { color_order: RGB mean: 127.5 scale: 0.0078125 size: 24 interpolation: AREA }
  window { box { square: true border: BLACK } }
  answer { blob: "score" score { channel: 1 } }
  answer { blob: "box" box {} }
  answer { blob: "points" points { order: AXES range: CORNER } }
  keep { score: 0.5 overlap_all: 0.3 }
}
"""
RECIPE = """
name: "two"
cascade: "two.prototxt"
training {
  batch_size: 32
  epochs: 3
  base_lr: 0.01
  augment { contrast: 0.1 brightness: 5 color: 0 gray: 0 blur: 0 occlusion: 0 }
  classifier {
    windows: 2000
    least_face: 12
    data { folder: "heads" partition: "train" validation_share: 0.3 }
    data { folder: "empty" weight: 0.3 }
    data { folder: "faces" }
  }
}
stage { name: "second" training { classifier { points: 1 let_through: 0.6 } } }
"""


def write_classifiers(folder: Path) -> Path:
    """Write data, nets, cascade and recipe into a folder; returns the recipe's path."""
    write_finder(folder)
    write_faces(folder)
    for name, text in (("first", FIRST), ("second", SECOND), ("two", CASCADE), ("recipe", RECIPE)):
        (folder / f"{name}.prototxt").write_text(text)
    return folder / "recipe.prototxt"
