"""Backends: what runs a net. Each takes float32 N x C x H x W and gives the net's output back.

A backend that cannot run here is an error that says what is missing, never another backend or device.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto

from protoface.converters.errors import ProtofaceError
from protoface.converters.graph import Net, build_graph
from protoface.converters.onnx_export import to_onnx
from protoface.converters.opencv_net import opencv_net, opencv_net_from_onnx

from . import onnxruntime_gpu, opencv_gpu

Batch = NDArray[np.float32]
#: A net at work: (N, C, H, W) float32 in, (N, ...) float32 out.
Forward = Callable[[Batch], NDArray[Any]]


#: An answer in [-1, 1] may differ so much between two runtimes of one ONNX file: rounding of int8.
AGREEMENT = 0.02


class Backend(Protocol):
    """How one runtime is asked whether it is there, and makes a net run.

    `runs_onnx`: whether it can run an ONNX model as it is.
    """

    runs_onnx: bool

    def missing(self) -> str | None:
        """What this machine lacks, in one line with the remedy; None if the backend can run."""

    def forward(self, net: Net | ModelProto, source: str, threads: int | None) -> Forward:
        """Make `net`, which holds its weights and has one input and one output, run."""


class OpenCV:
    """OpenCV DNN: Caffe files by its own importer on 4.x, ONNX on 5.x."""

    runs_onnx = True

    def __init__(self, target: str) -> None:
        self.target = target

    def missing(self) -> str | None:  # noqa: D102
        if self.target == "DNN_TARGET_CPU":
            return None
        return opencv_gpu.missing_cuda()

    def forward(self, net: Net | ModelProto, source: str, threads: int | None) -> Forward:  # noqa: D102
        if threads is not None:
            cv2.setNumThreads(threads)
        cuda = self.target != "DNN_TARGET_CPU"
        if isinstance(net, ModelProto):
            network = opencv_net_from_onnx(net.SerializeToString(), source, classic_engine=cuda)
        else:
            network = opencv_net(net, source, classic_engine=cuda)
        if cuda:
            opencv_gpu.use_gpu(network, self.target, _input_shape(net, source), source)

        def run(batch: Batch) -> NDArray[Any]:
            network.setInput(batch)
            return network.forward()

        if isinstance(net, ModelProto):
            _check(run, net, source)
        return run


def _input_shape(net: Net | ModelProto, source: str) -> list[int]:
    """Shape of the one input for a batch of one picture."""
    if isinstance(net, ModelProto):
        fed = net.graph.input[0].type.tensor_type.shape
        return [1, *(dim.dim_value or 1 for dim in fed.dim[1:])]
    return [1, *build_graph(net, source).inputs[0].shape[1:]]


def _check(run: Forward, model: ModelProto, source: str) -> None:
    """Raise ProtofaceError unless OpenCV answers one made-up picture as others do.

    With int8 it may refuse at once, or when run, or compute something else without a word.
    """
    batch = np.random.default_rng(0).normal(0, 30, _input_shape(model, source)).astype(np.float32)
    where = f"{source}: OpenCV {cv2.__version__}"
    try:
        apart = np.abs(run(batch) - _reference(model, source)(batch)).max()
    except cv2.error as error:
        reason = (error.err or str(error)).strip().splitlines()[0]
        raise ProtofaceError(f"{where} cannot run it: {reason}") from error
    except RuntimeError as error:  # an operator that the reference lacks
        raise ProtofaceError(f"{where} cannot be checked with it: {error}; use onnxruntime") from error
    if not apart < AGREEMENT:
        raise ProtofaceError(f"{where} computes something else ({apart:.2g} off); use onnxruntime")


def _reference(model: ModelProto, source: str) -> Forward:
    """ONNX Runtime where it is there, for it knows its own operators too; else ONNX's own reference."""
    runtime = OnnxRuntime("cpu")
    if runtime.missing() is None:
        return runtime.forward(model, source, 1)
    from onnx.reference import ReferenceEvaluator

    evaluator = ReferenceEvaluator(model)
    name = model.graph.input[0].name

    def run(batch: Batch) -> NDArray[Any]:
        answers: Any = evaluator.run(None, {name: batch})
        answer: NDArray[Any] = answers[0]
        return answer

    return run


class OnnxRuntime:
    """ONNX Runtime on the CPU, or all of it on the GPU."""

    runs_onnx = True

    def __init__(self, device: str) -> None:
        self.device = device

    def missing(self) -> str | None:  # noqa: D102
        if not find_spec("onnxruntime"):
            return "onnxruntime is not installed; pip install 'protoface[onnxruntime]'"
        if self.device == "cpu":
            return None
        return onnxruntime_gpu.missing_cuda()

    def forward(self, net: Net | ModelProto, source: str, threads: int | None) -> Forward:  # noqa: D102
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads or 0
        options.log_severity_level = 3
        providers: list[Any] = ["CPUExecutionProvider"]
        if self.device == "cuda":
            options.add_session_config_entry("session.disable_cpu_ep_fallback", "1")
            providers = [("CUDAExecutionProvider", {"use_tf32": "0"})]
        model = net if isinstance(net, ModelProto) else to_onnx(net, source)
        content = model.SerializeToString()
        try:
            session = onnxruntime.InferenceSession(content, options, providers=providers)
        except Exception as error:  # its errors have no class of their own above them
            reason = str(error).splitlines()[0]
            raise ProtofaceError(f"{source}: ONNX Runtime refuses it: {reason}") from error
        name, outputs = session.get_inputs()[0].name, [session.get_outputs()[0].name]
        return lambda batch: session.run(outputs, {name: batch})[0]


class PyTorch:
    """PyTorch, eager, in float32 proper."""

    runs_onnx = False

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

    def forward(self, net: Net | ModelProto, source: str, threads: int | None) -> Forward:  # noqa: D102
        if isinstance(net, ModelProto):
            raise ProtofaceError(
                f"{source} is an ONNX file, which PyTorch does not run; use another backend: "
                f"{', '.join(name for name, backend in BACKENDS.items() if backend.runs_onnx)}"
            )
        import torch

        from protoface.converters.precision import allow_tf32
        from protoface.converters.pytorch import to_pytorch

        if self.device == "cuda":
            allow_tf32(False)
        if threads is not None:
            torch.set_num_threads(threads)
        module = to_pytorch(net, source).to(self.device)

        def run(batch: Batch) -> NDArray[Any]:
            with torch.inference_mode():
                output: NDArray[Any] = module(torch.from_numpy(batch).to(self.device)).cpu().numpy()
            return output

        return run


BACKENDS: dict[str, Backend] = {
    "opencv": OpenCV("DNN_TARGET_CPU"),
    "opencv-cuda": OpenCV("DNN_TARGET_CUDA"),
    "opencv-cuda-fp16": OpenCV("DNN_TARGET_CUDA_FP16"),
    "onnxruntime": OnnxRuntime("cpu"),
    "onnxruntime-cuda": OnnxRuntime("cuda"),
    "torch": PyTorch("cpu"),
    "torch-cuda": PyTorch("cuda"),
}
AUTO = "auto"
# Fastest first, as measured for one picture at a time (docs/benchmark.md). CUDA is taken only by name:
# for nets this small the CPU is not known to lose at batch 1.
AUTO_ORDER = ("onnxruntime", "opencv")


def choose_backend(name: str) -> str:
    """The backend that `name` stands for: itself, or for `auto` the fastest that is really there.

    Raises ProtofaceError for an unknown backend, and for one that cannot run, saying what is missing.
    """
    if name == AUTO:
        return next(known for known in AUTO_ORDER if BACKENDS[known].missing() is None)
    if name not in BACKENDS:
        raise ProtofaceError(f"backend '{name}' is unknown; there are {AUTO}, {', '.join(BACKENDS)}")
    reason = BACKENDS[name].missing()
    if reason:
        raise ProtofaceError(f"backend '{name}' cannot run here: {reason}")
    return name
