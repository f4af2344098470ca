"""ONNX Runtime as a backend."""

from __future__ import annotations

from importlib.util import find_spec

from onnx import ModelProto

from protoface.converters.graph import Net
from protoface.converters.onnx_export import to_onnx
from protoface.converters.runtimes import Run, ends_of, run_onnxruntime

from . import onnxruntime_gpu


class OnnxRuntime:
    """ONNX Runtime on the CPU, or all of it on the GPU (`cuda`)."""

    runs_onnx = True

    def __init__(self, device: str) -> None:
        self.device = device

    def missing(self) -> str | None:  # noqa: D102
        if not find_spec("onnxruntime"):
            return "onnxruntime is not installed; pip install 'protoface[onnxruntime]'"
        if self.device == "cpu":
            return None
        return onnxruntime_gpu.missing_cuda()

    def run(self, net: Net | ModelProto, source: str, threads: int | None) -> Run:  # noqa: D102
        model = net if isinstance(net, ModelProto) else to_onnx(net, source)
        content = model.SerializeToString()
        return run_onnxruntime(content, ends_of(net, source), threads, self.device)
