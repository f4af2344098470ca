"""A small recipe of a finder: bright heads on noise, a net with one map, crops of 64 pixels."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from protoface.cascade import Cascade
from protoface.cascade.windows.window import Image

from ...eval.datasets.wider_set import write_wider
from ..sets.celeba_folder import write_set


def conv(name: str, bottom: str, out: int, stride: int = 2) -> str:
    return f"""
layer {{ name: "{name}" type: "Convolution" bottom: "{bottom}" top: "{name}"
  convolution_param {{ num_output: {out} kernel_size: 3 pad: 1 stride: {stride} bias_term: false
    weight_filler {{ type: "msra" }} }} }}
layer {{ name: "{name}/bn" type: "BatchNorm" bottom: "{name}" top: "{name}" }}
layer {{ name: "{name}/scale" type: "Scale" bottom: "{name}" top: "{name}"
  scale_param {{ bias_term: true }} }}
layer {{ name: "{name}/relu" type: "ReLU" bottom: "{name}" top: "{name}" }}"""


def answer(name: str, out: int, first: float) -> str:
    return f"""
layer {{ name: "{name}" type: "Convolution" bottom: "d" top: "{name}" convolution_param {{
  num_output: {out} kernel_size: 1 weight_filler {{ type: "gaussian" std: 0.01 }}
  bias_filler {{ value: {first} }} }} }}"""


NET = f"""
name: "finder"
layer {{ name: "data" type: "Input" top: "data" input_param {{ shape {{ dim: [1, 3, 64, 64] }} }} }}
{conv("a", "data", 8)}{conv("b", "a", 12)}{conv("c", "b", 16)}{conv("d", "c", 16, 1)}
{answer("score/raw", 1, -3)}{answer("box/raw", 4, 0.3)}{answer("points", 10, 0)}
layer {{ name: "score" type: "Sigmoid" bottom: "score/raw" top: "score" }}
layer {{ name: "box" type: "Exp" bottom: "box/raw" top: "box" }}
"""
CASCADE = """
name: "finder"
layout: "celeba5"
stage {
  name: "finder"
  net: "net.prototxt"
  preprocess { mean: 127.5 scale: 0.0078125 interpolation: AREA }
  window { picture { longest: 640 multiple: 8 } }
  answer { blob: "score" score {} map { cell: 8 stride: 8 } }
  answer { blob: "box" box { form: DISTANCES } map { cell: 8 stride: 8 } }
  answer { blob: "points" points {} map { cell: 8 stride: 8 } }
  keep { score: 0.4 overlap_all: 0.45 }
}
"""
RECIPE = """
name: "finder"
cascade: "cascade.prototxt"
stage {
  name: "finder"
  training {
    batch_size: 8
    epochs: 40
    base_lr: 0.02
    augment { contrast: 0.1 brightness: 5 color: 0 gray: 0 blur: 0 }
    finder {
      data { folder: "heads" partition: "train" validation_share: 0.3 }
      data { folder: "empty" validation_share: 0.3 weight: 0.3 }
      crop: 64
      least_face: 12
      greatest_face: 30
    }
  }
}
"""


def noise(number: int, side: int = 80) -> Image:
    """A dark picture without heads."""
    generator = np.random.default_rng(number)
    return generator.integers(20, 90, (side, side + 16, 3), np.uint8)


def heads(number: int) -> tuple[Image, list[tuple[float, ...]]]:
    """A picture with one or two heads, bright ellipses, and their boxes."""
    generator, image = np.random.default_rng(1000 + number), noise(number)
    boxes: list[tuple[float, ...]] = []
    for column in range(1 + number % 2):
        width = float(generator.uniform(14, 24))
        height, x = width * 1.3, 6 + 46 * column + float(generator.uniform(0, 12))
        y = float(generator.uniform(6, 40))
        middle, half = (x + width / 2 - 0.5, y + height / 2 - 0.5), (width / 2, height / 2)
        ends = tuple(round(value) for value in middle), tuple(round(value) for value in half)
        cv2.ellipse(image, *ends, 0, 0, 360, (190, 210, 235), -1)
        boxes.append((x, y, width, height))
    return image, boxes


def write_finder(folder: Path, pictures: int = 24) -> Path:
    """Write data, net, cascade and recipe into a folder; returns the recipe's path."""
    drawn = {f"0--Event/{number:03d}.png": heads(number) for number in range(pictures)}
    write_wider(folder / "heads", train={name: boxes for name, (_, boxes) in drawn.items()})
    for name, (image, _) in drawn.items():
        assert cv2.imwrite(str(folder / "heads" / "WIDER_train" / "images" / name), image)
    (folder / "empty").mkdir()
    for number in range(12):
        assert cv2.imwrite(str(folder / "empty" / f"{number}.png"), noise(500 + number))
    for name, text in (("net", NET), ("cascade", CASCADE), ("recipe", RECIPE)):
        (folder / f"{name}.prototxt").write_text(text)
    return folder / "recipe.prototxt"


def write_faces(folder: Path) -> None:
    """A set of drawn faces with points, one in each picture."""
    write_set(folder / "faces", 6, 64)


def counted(cascade: Cascade) -> tuple[int, int]:
    """How many of 15 heads of pictures that no training has seen are found, and false alarms."""
    found = alarms = 0
    for number in range(100, 110):
        image, boxes = heads(number)
        faces = cascade.detect(image)
        near = [min(np.abs(np.array(face.box) - box).max() for box in boxes) < 5 for face in faces]
        found, alarms = found + sum(near), alarms + len(near) - sum(near)
        alarms += len(cascade.detect(noise(2000 + number)))
    return found, alarms
