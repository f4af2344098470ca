"""OpenCV DNN as a backend: Caffe files by its own importer on 4.x, ONNX on 5.x."""

from __future__ import annotations

import cv2
import numpy as np
from onnx import ModelProto

from protoface.converters.errors import ProtofaceError
from protoface.converters.graph import Net
from protoface.converters.opencv_net import opencv_net, opencv_net_from_onnx
from protoface.converters.runtimes import Blobs, Ends, Run, ends_of, run_opencv, run_reference

from . import opencv_gpu
from .onnxruntime_backend import OnnxRuntime

#: An answer in [-1, 1] may differ so much between two runtimes of one ONNX file: rounding of int8.
AGREEMENT = 0.02


class OpenCV:
    """OpenCV's DNN module on one of its targets, `DNN_TARGET_...`."""

    runs_onnx = True

    def __init__(self, target: str) -> None:
        self.target = target

    def missing(self) -> str | None:  # noqa: D102
        if self.target == "DNN_TARGET_CPU":
            return None
        return opencv_gpu.missing_cuda()

    def run(self, net: Net | ModelProto, source: str, threads: int | None) -> Run:  # noqa: D102
        if threads is not None:
            cv2.setNumThreads(threads)
        ends, cuda = ends_of(net, source), self.target != "DNN_TARGET_CPU"
        if isinstance(net, ModelProto):
            network = opencv_net_from_onnx(net.SerializeToString(), source, classic_engine=cuda)
        else:
            network = opencv_net(net, source, classic_engine=cuda)
        if cuda:
            opencv_gpu.use_gpu(network, self.target, _shapes(ends), source)
        run = run_opencv(network, ends)
        if isinstance(net, ModelProto):
            _check(run, net, ends)
        return run


def _shapes(ends: Ends) -> dict[str, list[int]]:
    """Of the inputs for one picture; what is left open is 1."""
    return {value.blob: [1, *(size or 1 for size in value.shape[1:])] for value in ends.inputs}


def _check(run: Run, model: ModelProto, ends: Ends) -> None:
    """Raise ProtofaceError unless OpenCV answers one made-up picture as others do.

    With int8 it may refuse at once, or when run, or compute something else without a word.
    """
    generator = np.random.default_rng(0)
    feed: Blobs = {
        blob: generator.normal(0, 30, shape).astype(np.float32) for blob, shape in _shapes(ends).items()
    }
    found, where = run(feed), f"{ends.name}: OpenCV {cv2.__version__}"
    try:
        expected = _reference(model, ends)(feed)
    except RuntimeError as error:  # an operator that the reference lacks
        raise ProtofaceError(f"{where} cannot be checked with it: {error}; use onnxruntime") from error
    difference = max(float(np.abs(found[blob] - expected[blob]).max()) for blob in expected)
    if not difference < AGREEMENT:
        raise ProtofaceError(f"{where} computes it wrongly ({difference:.2g} off); use onnxruntime")


def _reference(model: ModelProto, ends: Ends) -> Run:
    """ONNX Runtime if it is installed, since it knows its own operators too; else ONNX's reference."""
    runtime = OnnxRuntime("cpu")
    if runtime.missing() is None:
        return runtime.run(model, ends.name, 1)
    return run_reference(model, ends)
