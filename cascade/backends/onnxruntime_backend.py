"""ONNX Runtime as a backend."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

from protoface.converters.ends import Ends, Run
from protoface.converters.onnx_file import OnnxFile
from protoface.converters.runtimes import ends_of, open_onnxruntime, run_onnxruntime

from . import onnxruntime_gpu

if TYPE_CHECKING:
    from onnx import ModelProto

    from protoface.converters.graph import Net


class OnnxRuntime:
    """ONNX Runtime on the CPU, or all of it on the GPU (`cuda`)."""

    runs_onnx = reads_onnx = own_threads = True

    def __init__(self, device: str) -> None:
        self.device = device

    def missing(self) -> str | None:  # noqa: D102
        if not find_spec("onnxruntime"):
            return "onnxruntime is not installed; pip install 'protoface[onnxruntime]'"
        if self.device == "cpu":
            return None
        return onnxruntime_gpu.missing_cuda()

    def run(  # noqa: D102
        self, net: Net | ModelProto, source: str, threads: int | None, multiple: int = 0
    ) -> Run:
        # here, as exporting imports onnx and all layers, which a file that is run as it is does without
        from protoface.converters.prelu_parts import in_parts

        from .in_memory import as_onnx

        model = as_onnx(net, source, multiple)
        content = in_parts(model).SerializeToString()
        return run_onnxruntime(content, ends_of(model, source), threads, self.device)

    def open(self, file: OnnxFile, threads: int | None) -> tuple[Ends, Run]:  # noqa: D102
        return open_onnxruntime(file.content, file.path, threads, self.device)
