"""Choosing a backend: what is there runs, what is not is an error, nothing falls back."""

import pytest

from protoface import cascade
from protoface.cascade import ProtofaceError
from protoface.cascade.backends.choice import BACKENDS, choose_backend
from protoface.cascade.backends.onnxruntime_backend import OnnxRuntime

HERE = [name for name, backend in BACKENDS.items() if backend.missing() is None]
CUDA = ("opencv-cuda", "opencv-cuda-fp16", "onnxruntime-cuda", "torch-cuda")


def test_auto_takes_the_first_that_is_there_and_says_which(folder, monkeypatch):
    """ONNX Runtime, then OpenCV; a GPU only by name."""
    expected = "opencv" if BACKENDS["onnxruntime"].missing() else "onnxruntime"
    assert cascade.load(folder).backend == expected
    for backend in ("OnnxRuntime", "OpenCV", "PyTorch"):
        monkeypatch.setattr(f"protoface.cascade.backends.choice.{backend}.missing", lambda self: None)
    assert choose_backend("auto") == "onnxruntime"


def test_auto_goes_on_where_one_is_missing(monkeypatch):
    monkeypatch.setattr(OnnxRuntime, "missing", lambda self: "not here")
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
