"""Which backends there are, and which one a name stands for.

A backend that cannot run here is an error that says what is missing, never another backend or device.
"""

from __future__ import annotations

from protoface.converters.errors import ProtofaceError

from .backend import Backend
from .fork import forked
from .onnxruntime_backend import OnnxRuntime
from .opencv_backend import OpenCV
from .openvino_backend import OpenVino
from .pytorch_backend import PyTorch

BACKENDS: dict[str, Backend] = {
    "opencv": OpenCV("DNN_TARGET_CPU"),
    "opencv-cuda": OpenCV("DNN_TARGET_CUDA"),
    "opencv-cuda-fp16": OpenCV("DNN_TARGET_CUDA_FP16"),
    "onnxruntime": OnnxRuntime("cpu"),
    "onnxruntime-cuda": OnnxRuntime("cuda"),
    "openvino": OpenVino("f32"),
    "openvino-bf16": OpenVino("bf16"),
    "torch": PyTorch("cpu"),
    "torch-cuda": PyTorch("cuda"),
}
AUTO = "auto"
# Fastest first, as measured for one picture at a time (docs/benchmark.md). CUDA is taken only by name:
# for nets this small the CPU is not known to lose at batch 1.
AUTO_ORDER = ("onnxruntime", "opencv")


def choose_backend(name: str) -> str:
    """The backend that `name` stands for: itself, or for `auto` the fastest that is installed.

    Raises ProtofaceError for an unknown backend, and for one that cannot run, saying what is missing.
    """
    if name == AUTO:
        return next(known for known in AUTO_ORDER if BACKENDS[known].missing() is None)
    if name not in BACKENDS:
        raise ProtofaceError(f"backend '{name}' is unknown; there are {AUTO}, {', '.join(BACKENDS)}")
    reason = BACKENDS[name].missing()
    if "cuda" in name and forked():
        reason = "a process that was forked has no GPU; start it by the method 'spawn'"
    if reason:
        raise ProtofaceError(f"backend '{name}' cannot run here: {reason}")
    return name
