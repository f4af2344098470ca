"""A small training run: 17 pictures of noise, a net with a BatchNorm, an Adam solver."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

NET = """
name: "small"
layer { name: "data" type: "ImageData" top: "data" top: "label"
  transform_param { mean_value: 127.5 scale: 0.01 mirror: true crop_size: 22 }
  image_data_param { root_folder: "pictures/" source: "list.txt" batch_size: 5 shuffle: true
    new_height: 24 new_width: 24 } }
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv" convolution_param {
  num_output: 6 kernel_size: 3 stride: 2 bias_term: false weight_filler { type: "msra" } } }
layer { name: "bn" type: "BatchNorm" bottom: "conv" top: "conv" }
layer { name: "scale" type: "Scale" bottom: "conv" top: "conv" scale_param { bias_term: true } }
layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }
layer { name: "drop" type: "Dropout" bottom: "conv" top: "conv" dropout_param { dropout_ratio: 0.3 } }
layer { name: "fc" type: "InnerProduct" bottom: "conv" top: "fc" inner_product_param {
  num_output: 4 weight_filler { type: "gaussian" std: 0.01 } } }
layer { name: "loss" type: "EuclideanLoss" bottom: "fc" bottom: "label" top: "loss" loss_weight: 10 }
"""
SOLVER = """
net: "net.prototxt" type: "Adam" base_lr: 0.001 momentum: 0.9 weight_decay: 0.0004
lr_policy: "multistep" gamma: 0.1 stepvalue: 12 stepvalue: 20 max_iter: 30 iter_size: 2
snapshot: 5 snapshot_prefix: "out/net" test_iter: 2 test_interval: 10 solver_mode: CPU random_seed: 3
"""


def write_run(folder: Path) -> None:
    """Write pictures, list, net and solver into a folder that is the working directory of the run."""
    generator = np.random.default_rng(0)
    (folder / "pictures").mkdir()
    lines = []
    for index in range(17):
        picture = generator.integers(0, 256, (26, 30, 3), np.uint8)
        cv2.imwrite(str(folder / "pictures" / f"{index}.png"), picture)
        lines.append(f"{index}.png {' '.join(f'{x:.4f}' for x in generator.uniform(-1, 1, 4))}\n")
    (folder / "list.txt").write_text("".join(lines))
    (folder / "net.prototxt").write_text(NET)
    (folder / "solver.prototxt").write_text(SOLVER)


def edit(path: str, old: str, new: str) -> None:
    text = Path(path).read_text()
    assert old in text
    Path(path).write_text(text.replace(old, new))
