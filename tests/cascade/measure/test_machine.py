"""Machine and versions are told."""

import os
import platform

import cv2
import pytest

from protoface.cascade.measure.machine import machine, parse_gpu, versions


def test_machine_and_versions():
    assert machine()["processor"]
    assert versions()["opencv"] == cv2.__version__
    assert versions()["python"] == platform.python_version()
    assert {"numpy", "onnx", "protobuf"} <= set(versions())


def test_the_gpu_as_nvidia_smi_lists_it():
    found = parse_gpu("NVIDIA H200, 580.65.06\nNVIDIA H200, 580.65.06\n")
    assert found == {"gpu": "NVIDIA H200", "driver": "580.65.06"}
    assert parse_gpu("") == {}


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system has no affinity masks")
def test_cores_are_those_that_the_process_may_use():
    allowed = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(allowed)})
        assert machine()["cores"] == 1
    finally:
        os.sched_setaffinity(0, allowed)
    assert machine()["cores"] == len(allowed)
