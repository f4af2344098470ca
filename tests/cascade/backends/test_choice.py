"""Choosing a backend: what is there runs, what is not is an error, nothing falls back."""

import cv2
import numpy as np
import pytest

from protoface import cascade
from protoface.cascade import ProtofaceError
from protoface.cascade.backends import choice as backends
from protoface.cascade.backends.choice import AUTO_ORDER, BACKENDS, choose_backend
from protoface.converters.fillers import fill
from protoface.converters.graph import deployed
from protoface.converters.onnx_export import to_onnx
from protoface.converters.opencv_net import opencv_net_from_onnx
from protoface.converters.prototxt import parse_message
from protoface.converters.weights import Net

HERE = [name for name, backend in BACKENDS.items() if backend.missing() is None]
CUDA = ("opencv-cuda", "opencv-cuda-fp16", "onnxruntime-cuda", "torch-cuda")


def small_net() -> Net:
    text = """
    layer { name: "data" type: "Input" top: "data" input_param { shape { dim: [1, 3, 12, 10] } } }
    layer { name: "conv" type: "Convolution" bottom: "data" top: "conv"
            convolution_param { num_output: 4 kernel_size: 3 weight_filler { type: "msra" } } }
    layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }
    layer { name: "fc" type: "InnerProduct" bottom: "conv" top: "fc"
            inner_product_param { num_output: 6 weight_filler { type: "xavier" } } }
    """
    return fill(deployed(parse_message(text, Net(), "small")), seed=0)


@pytest.mark.parametrize("name", HERE)
@pytest.mark.parametrize("batch", [1, 3])
def test_every_backend_computes_what_opencv_computes(name, batch):
    net = small_net()
    x = np.random.default_rng(0).normal(size=(batch, 3, 12, 10)).astype(np.float32)
    reference = opencv_net_from_onnx(to_onnx(net, "small").SerializeToString(), "small")
    reference.setInput(x)
    forward = BACKENDS[name].forward(net, "small", threads=1)
    for _ in range(2):  # a second time: nothing is kept of the first
        found = forward(x)
        assert found.shape == (batch, 6)
        np.testing.assert_allclose(found, reference.forward(), atol=5e-3 if "fp16" in name else 1e-5)


def test_auto_takes_the_first_that_is_there_and_says_which(folder):
    expected = next(name for name in AUTO_ORDER if name in HERE)
    assert choose_backend("auto") == expected
    assert cascade.load(folder).backend == expected


def test_auto_goes_on_where_one_is_missing(monkeypatch):
    monkeypatch.setattr(backends.OnnxRuntime, "missing", lambda self: "not here")
    assert choose_backend("auto") == "opencv"
    with pytest.raises(ProtofaceError, match="backend 'onnxruntime' cannot run here: not here"):
        choose_backend("onnxruntime")


@pytest.mark.parametrize("name", [name for name in CUDA if name not in HERE])
def test_cuda_without_cuda_is_an_error_and_says_what_is_missing(name, folder):
    with pytest.raises(ProtofaceError, match=rf"backend '{name}' cannot run here: .*CUDA"):
        cascade.load(folder, backend=name)


def test_an_unknown_backend_names_the_known_ones():
    with pytest.raises(
        ProtofaceError, match="'tensorrt' is unknown; there are auto, opencv, opencv-cuda"
    ):
        choose_backend("tensorrt")


def test_threads_are_set_where_the_runtime_keeps_them_itself():
    before = cv2.getNumThreads()
    try:
        BACKENDS["opencv"].forward(small_net(), "small", threads=1)
        assert cv2.getNumThreads() == 1
    finally:
        cv2.setNumThreads(before)
