"""Machine and versions are told."""

import platform

import cv2

from protoface.cascade.machine import machine, versions


def test_machine_and_versions():
    assert machine()["cores"] >= 1
    assert machine()["processor"]
    assert versions()["opencv"] == cv2.__version__
    assert versions()["python"] == platform.python_version()
    assert {"numpy", "onnx", "protobuf"} <= set(versions())
