"""OpenVINO as a backend, in float32 or bfloat16."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

from protoface.converters.ends import Ends, Run
from protoface.converters.onnx_file import OnnxFile
from protoface.converters.runtimes import open_openvino, openvino_core, run_openvino

if TYPE_CHECKING:
    from onnx import ModelProto

    from protoface.converters.graph import Net


class OpenVino:
    """OpenVINO on the CPU; `precision` is f32, or bf16 for a CPU that computes in it."""

    runs_onnx = reads_onnx = own_threads = True

    def __init__(self, precision: str) -> None:
        self.precision = precision

    def missing(self) -> str | None:  # noqa: D102
        if not find_spec("openvino"):
            return "openvino is not installed; pip install 'protoface[openvino]'"
        if self.precision == "bf16" and "BF16" not in _capabilities():
            return "this CPU does not compute in bfloat16, which OpenVINO would imitate; use openvino"
        return None

    def run(  # noqa: D102
        self, net: Net | ModelProto, source: str, threads: int | None, multiple: int = 0
    ) -> Run:
        # here, as exporting imports onnx and all layers, which a file that is run as it is does without
        from .in_memory import serialised

        return run_openvino(*serialised(net, source, multiple), threads, self.precision)

    def open(self, file: OnnxFile, threads: int | None) -> tuple[Ends, Run]:  # noqa: D102
        return open_openvino(file.content, file.path, threads, self.precision)


def _capabilities() -> list[str]:
    return list(openvino_core().get_property("CPU", "OPTIMIZATION_CAPABILITIES"))
