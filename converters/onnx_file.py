"""An ONNX file that a runtime reads by itself: without the package `onnx`, or Caffe's layers."""

from __future__ import annotations

import os
from dataclasses import dataclass

from .files import PathLike

ONNX = ".onnx"


def is_onnx(path: PathLike) -> bool:
    """Whether a file is ONNX, by its suffix."""
    return os.fspath(path).lower().endswith(ONNX)


@dataclass(frozen=True)
class OnnxFile:
    """The content of an ONNX file, to be run as it is; `path` names it in errors."""

    path: str
    content: bytes
