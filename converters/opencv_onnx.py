"""ONNX models in OpenCV DNN, and whether this OpenCV reads Caffe files as well."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
import numpy as np
from numpy.typing import NDArray

from .errors import ProtofaceError, reason


def has_caffe_importer() -> bool:
    """Whether this OpenCV still reads Caffe files itself: 4.x does, 5.0 dropped the importer."""
    return hasattr(cv2.dnn, "readNetFromCaffe")


def opencv_net_from_onnx(model: bytes, source: str, classic_engine: bool = False) -> cv2.dnn.Net:
    """An OpenCV network of a serialised ONNX model; `source` names it in errors."""
    try:
        if classic_engine and hasattr(cv2.dnn, "ENGINE_CLASSIC"):
            return _by_file(model)
        return cv2.dnn.readNetFromONNX(buffer(model))
    except cv2.error as error:
        raise refused(source, error) from error


def _by_file(model: bytes) -> cv2.dnn.Net:
    """OpenCV 5.0 reads a model in memory with its new engine, whichever it is told to take."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "net.onnx"
        path.write_bytes(model)
        return cv2.dnn.readNetFromONNX(str(path), cv2.dnn.ENGINE_CLASSIC)


def buffer(content: bytes) -> NDArray[np.uint8]:
    """Bytes as OpenCV takes them: it would take `bytes` for the name of a file."""
    return np.frombuffer(content, np.uint8)


def refused(source: str, error: cv2.error) -> ProtofaceError:
    """The error in one line, for a net that OpenCV does not read."""
    return ProtofaceError(f"{source}: OpenCV {cv2.__version__} refuses it: {reason(error)}")
