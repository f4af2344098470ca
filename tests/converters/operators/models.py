"""Small ONNX models as text."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

Array = NDArray[Any]


def parsed(text: str, weights: Mapping[str, Array] | None = None, opset: int = 17) -> onnx.ModelProto:
    """A model from onnx's own text, `(float[1,2] x) => (float[1,2] y) { y = Relu(x) }`."""
    model = onnx.parser.parse_model(f'<ir_version: 8, opset_import: ["" : {opset}]> graph {text}')
    for name, array in (weights or {}).items():
        model.graph.initializer.append(onnx.numpy_helper.from_array(array, name))
    return model


def random(*shape: int, seed: int = 0) -> Array:
    """Normal noise, float32."""
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)
