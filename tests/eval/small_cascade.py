"""A cascade of two small nets whose answers depend on what they see, and pictures for it to see."""

from pathlib import Path

import cv2
import numpy as np

from protoface.converters.blobs import to_blob
from protoface.converters.graph import deployed
from protoface.converters.net_text import read_net
from protoface.converters.weights import write_weights

from ..constant_cascade import CASCADE, FIRST, SECOND
from .celeba_set import FACE, write_celeba

NET = """
name: "small"
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: [1, 3, 8, 8] } } }
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv"
        convolution_param { num_output: 8 kernel_size: 3 } }
layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }
layer { name: "fc" type: "InnerProduct" bottom: "conv" top: "fc"
        inner_product_param { num_output: 16 } }
layer { name: "points" type: "InnerProduct" bottom: "fc" top: "points"
        inner_product_param { num_output: 10 } }
"""
SHAPES = {"conv": (8, 3, 3, 3), "fc": (16, 288), "points": (10, 16)}


def write_cascade(folder: Path) -> Path:
    """The cascade with random weights: points within some hundredths of the window about a face's."""
    folder.mkdir()
    (folder / "net.prototxt").write_text(NET)
    (folder / "cascade.prototxt").write_text(CASCADE)
    generator = np.random.default_rng(0)
    for name, answer in (("one", FIRST), ("two", SECOND)):
        net = deployed(read_net(folder / "net.prototxt"))
        for layer in net.layer:
            if layer.name in SHAPES:
                shape = SHAPES[layer.name]
                weight = generator.normal(size=shape) / np.sqrt(np.prod(shape[1:]))
                if layer.name == "points":
                    weight *= 5e-4
                bias = answer.ravel() if layer.name == "points" else np.zeros(shape[0])
                layer.blobs.extend(to_blob(blob.astype(np.float32)) for blob in (weight, bias))
        write_weights(folder / f"{name}.caffemodel", net)
    return folder


def write_pictures(folder: Path, count: int = 20) -> Path:
    """Smooth noise in CelebA's layout, all of it for training."""
    write_celeba(folder, np.tile(FACE, (count, 1, 1)), [0] * count)
    generator = np.random.default_rng(0)
    for path in sorted((folder / "images").iterdir()):
        coarse = generator.integers(0, 256, (6, 8, 3), np.uint8)
        cv2.imwrite(str(path), cv2.resize(coarse, (80, 60), interpolation=cv2.INTER_CUBIC))
    return folder
