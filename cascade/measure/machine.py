"""The machine that figures are measured on, and the versions of the libraries."""

from __future__ import annotations

import platform
import shutil
import subprocess
from importlib import metadata
from pathlib import Path
from typing import Any

import cv2

from ..parallel import cores

PACKAGES = ("numpy", "onnx", "onnxruntime", "protobuf", "protoface", "torch")
GPU_PACKAGES = ("nvidia-cublas", "nvidia-cudnn-cu12", "nvidia-cudnn-cu13", "onnxruntime-gpu", "triton")


def machine() -> dict[str, Any]:
    """Processor, cores that this process may use, system, CUDA devices for OpenCV.

    `gpu` and `driver` if there are any.
    """
    return {
        "processor": _processor(),
        "cores": cores(None),
        "system": platform.platform(),
        "cuda_devices": max(0, cv2.cuda.getCudaEnabledDeviceCount()),
        **_gpu(),
    }


def _gpu() -> dict[str, str]:
    """Name and driver of the first GPU, as nvidia-smi says them."""
    if not shutil.which("nvidia-smi"):
        return {}
    query = ["nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader"]
    done = subprocess.run(query, capture_output=True, text=True, check=False)
    return parse_gpu(done.stdout) if done.returncode == 0 else {}


def parse_gpu(listed: str) -> dict[str, str]:
    """`gpu` and `driver` of the first line of what nvidia-smi lists."""
    name, _, driver = listed.partition("\n")[0].rpartition(", ")
    return {"gpu": name, "driver": driver} if name else {}


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def versions() -> dict[str, str]:
    """Python, OpenCV and the installed ones of PACKAGES and GPU_PACKAGES."""
    found = {"python": platform.python_version(), "opencv": cv2.__version__}
    for package in (*PACKAGES, *GPU_PACKAGES):
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found
