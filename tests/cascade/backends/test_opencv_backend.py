"""OpenCV as a backend: its threads, and ONNX files that it computes wrong."""

import cv2
import numpy as np
import pytest

from protoface.cascade.backends import opencv_backend as opencv
from protoface.cascade.backends.choice import BACKENDS
from protoface.cascade.backends.onnxruntime_backend import OnnxRuntime
from protoface.converters import ProtofaceError
from protoface.converters.onnx_export import to_onnx
from protoface.converters.runtimes import Run

from .nets import branched_net, small_net


def test_threads_are_set_where_the_runtime_keeps_them_itself():
    before = cv2.getNumThreads()
    try:
        BACKENDS["opencv"].run(small_net(), "small", threads=1)
        assert cv2.getNumThreads() == 1
        BACKENDS["opencv"].run(small_net(), "small", threads=None)
        assert cv2.getNumThreads() == 1
    finally:
        cv2.setNumThreads(before)


@pytest.fixture(params=["ONNX Runtime", "ONNX"])
def reference(request, monkeypatch):
    """An ONNX file is checked by ONNX Runtime, and by ONNX's own reference where that is not there."""
    if request.param == "ONNX":
        monkeypatch.setattr(OnnxRuntime, "missing", lambda self: "made to be missing")
    elif OnnxRuntime("cpu").missing():
        pytest.skip("needs onnxruntime")


def moved(run: Run, blob: str, by: float) -> Run:
    """What computes one output with an error."""

    def wrong(feed):
        return {name: values + by * (name == blob) for name, values in run(feed).items()}

    return wrong


@pytest.mark.usefixtures("reference")
@pytest.mark.parametrize("blob", ["score", "fc", "rest"])
@pytest.mark.parametrize("by", [0.021, -1, float("nan")])
def test_an_onnx_file_that_it_computes_wrong_is_refused(blob, by, monkeypatch):
    """Whichever of the outputs it is."""
    right = opencv.run_opencv
    monkeypatch.setattr(opencv, "run_opencv", lambda *given: moved(right(*given), blob, by))
    with pytest.raises(
        ProtofaceError, match=r"^both.onnx: OpenCV .* computes it wrongly \(.* use onnxruntime$"
    ):
        BACKENDS["opencv"].run(to_onnx(branched_net(), "both"), "both.onnx", 1)


@pytest.mark.usefixtures("reference")
def test_an_onnx_file_that_it_computes_right_runs(monkeypatch):
    right = opencv.run_opencv
    monkeypatch.setattr(opencv, "run_opencv", lambda *given: moved(right(*given), "fc", 0.019))
    run = BACKENDS["opencv"].run(to_onnx(branched_net(), "both"), "both.onnx", 1)
    found = run({"near": np.ones((2, 3, 12, 10), np.float32), "far": np.ones((2, 2, 6), np.float32)})
    assert found["fc"].shape == (2, 6)


def test_an_operator_that_the_reference_lacks_is_named(monkeypatch):
    monkeypatch.setattr(OnnxRuntime, "missing", lambda self: "made to be missing")

    def lacking(model, ends):
        def run(feed):
            raise RuntimeContextError("no such operator")

        return run

    class RuntimeContextError(RuntimeError):
        pass

    monkeypatch.setattr(opencv, "run_reference", lacking)
    with pytest.raises(ProtofaceError, match=r"cannot be checked with it: no such .*; use onnxruntime"):
        BACKENDS["opencv"].run(to_onnx(small_net(), "small"), "one.onnx", 1)


@pytest.mark.parametrize("name", ["opencv-cuda", "opencv-cuda-fp16"])
def test_on_a_gpu_every_input_has_the_shape_of_one_picture(name, monkeypatch):
    """What is asked for before the first run; the GPU itself is `test_opencv_gpu`'s."""
    asked = {}

    def use_gpu(network, target, shapes, source):
        asked.update(target=target, shapes=shapes, source=source)

    monkeypatch.setattr(opencv.opencv_gpu, "use_gpu", use_gpu)
    BACKENDS[name].run(branched_net(), "branched", 1)
    assert asked["target"] == {"opencv-cuda": "DNN_TARGET_CUDA"}.get(name, "DNN_TARGET_CUDA_FP16")
    assert {blob: list(shape) for blob, shape in asked["shapes"].items()} == {
        "near": [1, 3, 12, 10], "far": [1, 2, 6]
    }  # fmt: skip
    assert asked["source"] == "branched"
