"""A cascade whose points can be worked out by hand: its nets answer the same to every picture."""

from pathlib import Path

import numpy as np

from protoface.converters.blobs import to_blob
from protoface.converters.graph import deployed
from protoface.converters.net_text import read_net
from protoface.converters.weights import Net, with_weights, write_weights

NET = """
name: "constant"
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: [1, 3, 8, 8] } } }
layer { name: "fc" type: "InnerProduct" bottom: "data" top: "points"
        inner_product_param { num_output: 10 } }
"""
CASCADE = """
name: "constant"
point { name: "left_eye" flip: "right_eye" }
point { name: "right_eye" flip: "left_eye" }
point { name: "nose" }
point { name: "left_mouth" flip: "right_mouth" }
point { name: "right_mouth" flip: "left_mouth" }
stage {
  name: "level_1" net: "net.prototxt" weights: "one.caffemodel"
  preprocess { mean: 127.5 size: 8 } window { picture {} }
}
stage {
  name: "level_2" net: "net.prototxt" weights: "two.caffemodel"
  preprocess { mean: 127.5 size: 8 } window { square { around: "nose" k: 4 a: "nose" b: "left_eye" } }
}
"""
SQUARE = 'window { square { around: "nose" k: 4 a: "nose" b: "left_eye" } }'
SIMILARITY = """window { similarity {
  shape { x: -0.4 y: -0.4 } shape { x: 0.4 y: -0.4 } shape { x: 0 y: 0 }
  shape { x: -0.3 y: 0.4 } shape { x: 0.3 y: 0.4 } } }"""
# What the two nets answer whatever they see, in [-1, 1] of their window.
FIRST = np.array([(-0.3, -0.4), (0.3, -0.4), (0, 0), (-0.25, 0.3), (0.25, 0.3)], np.float32)
SECOND = np.array([(-0.35, -0.35), (0.35, -0.3), (0.05, 0.1), (-0.3, 0.4), (0.3, 0.4)], np.float32)


def constant_weights(
    path: Path, answer: np.ndarray, net_file: str = "net.prototxt", spread: float = 0
) -> None:
    """Weights that answer `answer` to every picture, or with a `spread` about that."""
    shape, net = deployed(read_net(path.parent / net_file)), Net()
    inputs = int(np.prod(shape.layer[0].input_param.shape[0].dim))
    weight = np.random.default_rng(inputs).normal(size=(answer.size, inputs)) * spread
    blobs = [weight.astype(np.float32), answer.reshape(-1)]
    net.layer.add(name="fc", blobs=[to_blob(blob) for blob in blobs])
    write_weights(path, with_weights(shape, net, "test"))
