"""ONNX Runtime's CUDA provider without a GPU: what is said to be missing."""

import os
import subprocess
import sys
from types import SimpleNamespace

import pytest

from protoface.cascade.backends.onnxruntime_gpu import missing_cuda


@pytest.fixture
def runtime(monkeypatch, tmp_path):
    """A stand-in for the package `onnxruntime-gpu` without its libraries."""
    runtime = SimpleNamespace(
        __version__="1.31.1",
        __file__=str(tmp_path / "__init__.py"),
        get_available_providers=lambda: ["CUDAExecutionProvider", "CPUExecutionProvider"],
        preload_dlls=lambda: print("Failed to load libcublas.so.13"),
    )
    monkeypatch.setitem(sys.modules, "onnxruntime", runtime)
    return runtime


def test_a_build_without_cuda(runtime):
    runtime.get_available_providers = lambda: ["CPUExecutionProvider"]
    assert (missing_cuda() or "").startswith("onnxruntime 1.31.1 is built without CUDA; pip uninstall")


@pytest.mark.skipif(sys.platform != "linux", reason="looked for on Linux only")
def test_a_provider_that_cannot_be_loaded(runtime, capsys):
    line = missing_cuda() or ""
    assert "onnxruntime 1.31.1 cannot load its CUDA provider (" in line
    assert "libonnxruntime_providers_shared.so: cannot open" in line
    assert "pip install 'onnxruntime-gpu[cuda,cudnn]'" in line
    assert not capsys.readouterr().out


@pytest.mark.skipif(
    "PROTOFACE_ONNXRUNTIME_GPU" not in os.environ,
    reason="needs onnxruntime-gpu in the folder $PROTOFACE_ONNXRUNTIME_GPU",
)
def test_the_real_one_without_a_driver():
    code = "from protoface.cascade.backends.onnxruntime_gpu import missing_cuda; print(missing_cuda())"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.environ["PROTOFACE_ONNXRUNTIME_GPU"]},
        check=True,
    )
    assert "cannot load its CUDA provider (lib" in done.stdout or done.stdout == "None\n"
