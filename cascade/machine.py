"""What figures are taken on: the machine, and the versions of what computes."""

from __future__ import annotations

import os
import platform
from importlib import metadata
from pathlib import Path
from typing import Any

import cv2

PACKAGES = ("numpy", "onnx", "onnxruntime", "protobuf", "protoface", "torch")


def machine() -> dict[str, Any]:
    """Processor, cores, system and number of CUDA devices that OpenCV can use."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "system": platform.platform(),
        "cuda_devices": max(0, cv2.cuda.getCudaEnabledDeviceCount()),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def versions() -> dict[str, str]:
    """Python, OpenCV and the installed ones of PACKAGES."""
    found = {"python": platform.python_version(), "opencv": cv2.__version__}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found
