"""ONNX Runtime as a backend: there or not, its devices, models as they are."""

import numpy as np
import pytest

from protoface.cascade.backends import onnxruntime_backend as onnx_runtime
from protoface.cascade.backends.onnxruntime_backend import OnnxRuntime
from protoface.converters import ProtofaceError
from protoface.converters.onnx_export import to_onnx

from .nets import small_net


def test_without_the_package_it_says_what_to_install(monkeypatch):
    monkeypatch.setattr(onnx_runtime, "find_spec", lambda name: None)
    for device in ("cpu", "cuda"):
        missing = OnnxRuntime(device).missing()
        assert missing == "onnxruntime is not installed; pip install 'protoface[onnxruntime]'"


def test_on_a_gpu_it_asks_for_more(monkeypatch):
    pytest.importorskip("onnxruntime")
    monkeypatch.setattr(onnx_runtime.onnxruntime_gpu, "missing_cuda", lambda: "no GPU here")
    assert OnnxRuntime("cpu").missing() is None
    assert OnnxRuntime("cuda").missing() == "no GPU here"


def test_a_net_and_its_model_are_the_same():
    pytest.importorskip("onnxruntime")
    net, feed = small_net(), {"data": np.ones((2, 3, 12, 10), np.float32)}
    one = OnnxRuntime("cpu").run(net, "small", 1)(feed)
    other = OnnxRuntime("cpu").run(to_onnx(net, "small"), "small", 1)(feed)
    np.testing.assert_array_equal(one["fc"], other["fc"])


def test_what_it_refuses_is_named():
    pytest.importorskip("onnxruntime")
    model = to_onnx(small_net(), "small")
    model.graph.node[-1].input[1] = "nowhere"
    with pytest.raises(ProtofaceError, match="^stage 's': ONNX Runtime .* refuses it: "):
        OnnxRuntime("cpu").run(model, "stage 's'", 1)
