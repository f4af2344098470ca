"""OpenVINO as a backend, in float32 or bfloat16."""

from __future__ import annotations

from importlib.util import find_spec

from onnx import ModelProto

from protoface.converters.graph import Net
from protoface.converters.onnx_export import to_onnx
from protoface.converters.runtimes import Run, ends_of, run_openvino


class OpenVino:
    """OpenVINO on the CPU; `precision` is f32, or bf16 for a CPU that computes in it."""

    runs_onnx = True

    def __init__(self, precision: str) -> None:
        self.precision = precision

    def missing(self) -> str | None:  # noqa: D102
        if not find_spec("openvino"):
            return "openvino is not installed; pip install 'protoface[openvino]'"
        if self.precision == "bf16" and "BF16" not in _capabilities():
            return "this CPU does not compute in bfloat16, which OpenVINO would imitate; use openvino"
        return None

    def run(self, net: Net | ModelProto, source: str, threads: int | None) -> Run:  # noqa: D102
        model = net if isinstance(net, ModelProto) else to_onnx(net, source)
        return run_openvino(model.SerializeToString(), ends_of(net, source), threads, self.precision)


def _capabilities() -> list[str]:
    import openvino

    return list(openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES"))
