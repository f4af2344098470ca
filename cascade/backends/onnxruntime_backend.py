"""ONNX Runtime as a backend."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

from protoface.converters.ends import Ends, Run
from protoface.converters.onnx_file import OnnxFile
from protoface.converters.runtimes import ends_of, in_portions, open_onnxruntime, run_onnxruntime

from . import onnxruntime_gpu

if TYPE_CHECKING:
    from onnx import ModelProto

    from protoface.converters.graph import Net


#: Pixels of inputs for which what a small net makes of them stays in the cache of a core.
CACHED = 9216


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
        from protoface.converters.channel_blocks import in_blocks
        from protoface.converters.prelu_parts import in_parts
        from protoface.converters.two_classes import as_sigmoids

        from .in_memory import as_onnx

        model = as_onnx(net, source, multiple)
        content = in_parts(in_blocks(as_sigmoids(model))).SerializeToString()
        ends = ends_of(model, source)
        return self._portioned(ends, run_onnxruntime(content, ends, threads, self.device))

    def open(self, file: OnnxFile, threads: int | None) -> tuple[Ends, Run]:  # noqa: D102
        ends, run = open_onnxruntime(file.content, file.path, threads, self.device)
        return ends, self._portioned(ends, run)

    def _portioned(self, ends: Ends, run: Run) -> Run:
        """On a CPU few pictures at a time; all at once if their number is not free."""
        free = all(value.shape[:1] == (0,) for value in (*ends.inputs, *ends.outputs))
        return in_portions(run, CACHED) if free and self.device == "cpu" else run
