"""Small ONNX models as text, and their parity with the Caffe nets that are made of them."""

from collections.abc import Callable, Mapping

import numpy as np
import onnx
import pytest

from protoface.converters import build_graph, from_onnx
from protoface.converters.check import largest_difference
from protoface.converters.graph import Net
from protoface.converters.runtimes import run_onnxruntime, run_pytorch

from .models import Array, parsed, random


@pytest.fixture(name="model_of")
def model_of_fixture() -> Callable[..., onnx.ModelProto]:
    """`parsed`: a model from text and weights."""
    return parsed


@pytest.fixture(name="noise")
def noise_fixture() -> Callable[..., Array]:
    """`random`: normal noise of a shape."""
    return random


@pytest.fixture
def carried(agree: Callable[..., None]) -> Callable[..., Net]:
    """A function: the Caffe net of a model computes in every runtime what ONNX Runtime makes of it."""

    def check(
        text: str,
        weights: Mapping[str, Array] | None = None,
        opset: int = 17,
        shift: float = 0.0,
        batches: tuple[int | None, ...] = (1,),
        apart: Mapping[str, str] | None = None,
    ) -> Net:
        model = parsed(text, weights, opset)
        net = from_onnx(model, "test.onnx")
        graph = build_graph(net, "test net")
        generator = np.random.default_rng(1)
        for batch in batches:
            shapes = {value.blob: (batch or value.shape[0], *value.shape[1:]) for value in graph.inputs}
            feed = {
                blob: generator.normal(shift, 1, shape).astype(np.float32)
                for blob, shape in shapes.items()
            }
            # more threads would wait for each other longer than they work
            expected = run_onnxruntime(model.SerializeToString(), graph, threads=1)(feed)
            actual = run_pytorch(net, np.float64)(feed)
            assert largest_difference(expected, actual) < 1e-5
        agree(net, batches=batches, shift=shift, apart=apart)
        return net

    return check
