"""A stage of two views and two answers, and what it must find, written once more in NumPy.

Its net is linear: `coarse` is made of the first input alone, `fine` of both, so that an input or an
output that is taken for the other one shows at once.
"""

from pathlib import Path

import numpy as np

from protoface.converters import build_graph, caffe_pb2, write_weights
from protoface.converters.conversion import convert
from protoface.converters.prototxt import parse_message
from protoface.converters.weights import with_arrays

from ..constant_cascade import CASCADE, SQUARE

ORDER = [1, 0, 2, 4, 3]
BOTH = """
name: "both"
layer { name: "n" type: "Input" top: "near" input_param { shape { dim: [1, 3, 8, 8] } } }
layer { name: "f" type: "Input" top: "far" input_param { shape { dim: [1, 3, 6, 10] } } }
layer { name: "a" type: "InnerProduct" bottom: "near" top: "coarse"
        inner_product_param { num_output: 10 } }
layer { name: "b" type: "InnerProduct" bottom: "near" top: "b" inner_product_param { num_output: 10 } }
layer { name: "c" type: "InnerProduct" bottom: "far" top: "c" inner_product_param { num_output: 10 } }
layer { name: "sum" type: "Eltwise" bottom: "b" bottom: "c" top: "fine" }
"""
#: Two windows: near the points of the stage before, and the whole picture in other colours.
NEAR = f'view {{ blob: "near" pixels {{ {SQUARE} preprocess {{ mean: 127.5 size: 8 }} }} }}'
FAR = """view { blob: "far" pixels { window { picture {} }
         preprocess { color_order: RGB mean: [90, 100, 110] scale: 0.5 size: 6 size: 10 } } }"""
ANSWERS = 'answer { blob: "coarse" points {} } answer { blob: "fine" points {} }'
STAGE = f"""
stage {{
  name: "both" net: "both.prototxt" weights: "both.caffemodel"
  {NEAR}
  {FAR}
  {ANSWERS}
}}
"""


def arrays() -> dict[str, np.ndarray]:
    """Weights and biases by `layer.blob`: answers of some tenths that move with what is seen."""
    generator = np.random.default_rng(0)
    made = {}
    for layer, inputs in (("a", 192), ("b", 192), ("c", 180)):
        made[f"{layer}.0"] = (generator.normal(size=(10, inputs)) * 3e-4).astype(np.float32)
        made[f"{layer}.1"] = (generator.normal(size=10) * 0.2).astype(np.float32)
    return made


def write_two_views(folder: Path) -> Path:
    """Put the stage behind the first one of a constant cascade, its net as Caffe's and as ONNX."""
    net = parse_message(BOTH, caffe_pb2.NetParameter(), "both")
    (folder / "both.prototxt").write_text(BOTH)
    write_weights(folder / "both.caffemodel", with_arrays(net, build_graph(net, "both"), arrays()))
    convert(folder / "both.prototxt", folder / "both.caffemodel", folder / "both.onnx")
    first_stage = CASCADE[: CASCADE.rindex("stage {")]
    (folder / "cascade.prototxt").write_text(first_stage + STAGE)
    return folder


def answered(inputs: dict[str, np.ndarray], flip_average: bool = False) -> dict[str, np.ndarray]:
    """What the net answers to inputs (n, channels, h, w); the mean with their mirror images' if so."""
    w = arrays()
    near, far = (inputs[blob].reshape(len(inputs[blob]), -1) for blob in ("near", "far"))
    plain = {
        "coarse": near @ w["a.0"].T + w["a.1"],
        "fine": near @ w["b.0"].T + w["b.1"] + far @ w["c.0"].T + w["c.1"],
    }
    if not flip_average:
        return plain
    mirrored = answered({blob: batch[..., ::-1] for blob, batch in inputs.items()})
    return {blob: (plain[blob] + _back(values)) / 2 for blob, values in mirrored.items()}


def _back(values: np.ndarray) -> np.ndarray:
    """Answers (n, 10) to mirrored pictures as those of the pictures themselves."""
    points = values.reshape(-1, 5, 2)[:, ORDER] * (-1, 1)
    return points.reshape(values.shape)
