"""ONNX Runtime's CUDA provider: whether it is there and finds NVIDIA's libraries.

ONNX Runtime itself only logs what it cannot load, and computes on the CPU; so it is asked before.
"""

from __future__ import annotations

import ctypes
import io
import sys
from contextlib import redirect_stdout
from pathlib import Path


def missing_cuda() -> str | None:
    """What ONNX Runtime lacks to compute on a GPU here, in one line with the remedy.

    Loads its provider, and NVIDIA's libraries from where pip puts them.
    """
    import onnxruntime

    version = f"onnxruntime {onnxruntime.__version__}"
    if "CUDAExecutionProvider" not in onnxruntime.get_available_providers():
        return (
            f"{version} is built without CUDA; pip uninstall onnxruntime, "
            "then pip install onnxruntime-gpu"
        )
    if hasattr(onnxruntime, "preload_dlls"):  # from 1.21 on
        with redirect_stdout(io.StringIO()):  # it prints what it does not find
            onnxruntime.preload_dlls()
    folder = Path(onnxruntime.__file__).parent / "capi"
    try:
        for name in ("shared", "cuda") if sys.platform == "linux" else ():
            ctypes.CDLL(str(folder / f"libonnxruntime_providers_{name}.so"))
    except OSError as error:
        return (
            f"{version} cannot load its CUDA provider ({error}); it needs NVIDIA's driver, and the "
            "libraries that pip install 'onnxruntime-gpu[cuda,cudnn]' brings"
        )
    return None
