"""Machine and versions are told."""

import platform

import cv2

from protoface.cascade.measure.machine import machine, parse_gpu, versions


def test_machine_and_versions():
    assert machine()["cores"] >= 1
    assert machine()["processor"]
    assert versions()["opencv"] == cv2.__version__
    assert versions()["python"] == platform.python_version()
    assert {"numpy", "onnx", "protobuf"} <= set(versions())


def test_the_gpu_as_nvidia_smi_lists_it():
    found = parse_gpu("NVIDIA H200, 580.65.06\nNVIDIA H200, 580.65.06\n")
    assert found == {"gpu": "NVIDIA H200", "driver": "580.65.06"}
    assert parse_gpu("") == {}
