"""PyTorch as a backend: eager, in float32 without TF32."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, NoReturn

import numpy as np

from protoface.converters.ends import Ends, Run
from protoface.converters.errors import ProtofaceError
from protoface.converters.onnx_file import OnnxFile
from protoface.converters.runtimes import run_pytorch

from .fork import forked

if TYPE_CHECKING:
    from onnx import ModelProto

    from protoface.converters.graph import Net


class PyTorch:
    """PyTorch on the CPU, or on the GPU (`cuda`); on one thread in a process that was forked."""

    runs_onnx = reads_onnx = own_threads = False

    def __init__(self, device: str) -> None:
        self.device = device

    def missing(self) -> str | None:  # noqa: D102
        if not find_spec("torch"):
            return "torch is not installed"
        if self.device == "cpu":
            return None
        import torch

        if torch.cuda.is_available():
            return None
        return f"torch {torch.__version__} finds no CUDA device"

    def run(  # noqa: D102
        self, net: Net | ModelProto, source: str, threads: int | None, multiple: int = 0
    ) -> Run:
        # here, as all of them take long to import
        import torch
        from onnx import ModelProto

        from protoface.converters.any_size import to_any_size
        from protoface.converters.precision import allow_tf32

        if isinstance(net, ModelProto):
            _refuse(source)
        if multiple:  # what ONNX says of a net's layers is so here
            to_any_size(net, source, multiple)
        if self.device == "cuda":
            allow_tf32(False)
        if forked():  # where PyTorch would wait for its parent's threads
            threads = 1
        if threads is not None:
            torch.set_num_threads(threads)
        return run_pytorch(net, np.float32, source, self.device)

    def open(self, file: OnnxFile, threads: int | None) -> tuple[Ends, Run]:  # noqa: D102
        _refuse(file.path)


def _refuse(source: str) -> NoReturn:
    raise ProtofaceError(
        f"{source} is an ONNX file, which PyTorch does not run; use another backend: "
        "onnxruntime or opencv"
    )
