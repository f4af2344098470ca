"""OpenCV DNN as a backend: Caffe files by its own importer on 4.x, ONNX on 5.x."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from protoface.converters.ends import Blobs, Ends, Run
from protoface.converters.errors import ProtofaceError
from protoface.converters.onnx_file import OnnxFile
from protoface.converters.opencv_onnx import has_caffe_importer, opencv_net_from_onnx
from protoface.converters.runtimes import ends_of, run_opencv, run_reference

from . import opencv_gpu
from .onnxruntime_backend import OnnxRuntime

if TYPE_CHECKING:
    from onnx import ModelProto

    from protoface.converters.graph import Net

#: An answer in [-1, 1] may differ so much between two runtimes of one ONNX file: rounding of int8.
AGREEMENT = 0.02
#: Sides of a made-up picture for a net that takes any, or their multiples.
SIDE = 384


class OpenCV:
    """OpenCV's DNN module on one of its targets, `DNN_TARGET_...`."""

    runs_onnx = True
    reads_onnx = not has_caffe_importer()
    own_threads = False

    def __init__(self, target: str) -> None:
        self.target = target

    def missing(self) -> str | None:  # noqa: D102
        if self.target == "DNN_TARGET_CPU":
            return None
        return opencv_gpu.missing_cuda()

    def run(  # noqa: D102
        self, net: Net | ModelProto, source: str, threads: int | None, multiple: int = 0
    ) -> Run:
        # here, as Caffe's layers and onnx take long to import, and `open` needs less
        from protoface.converters.graph import Net
        from protoface.converters.opencv_net import opencv_net

        from .in_memory import as_onnx

        if isinstance(net, Net) and not multiple:
            return self._placed(opencv_net(net, source, self.cuda), ends_of(net, source), threads)
        model = as_onnx(net, source, multiple)
        ends = ends_of(model, source)
        run = self._placed(
            opencv_net_from_onnx(model.SerializeToString(), source, self.cuda), ends, threads
        )
        if not isinstance(net, Net):
            _check(run, model, ends)
        return run

    def open(self, file: OnnxFile, threads: int | None) -> tuple[Ends, Run]:  # noqa: D102
        from protoface.converters.onnx_import import parse_onnx  # see `run`

        network = opencv_net_from_onnx(file.content, file.path, self.cuda)
        ends = ends_of(parse_onnx(file.content, file.path), file.path)
        return ends, self._placed(network, ends, threads)

    @property
    def cuda(self) -> bool:
        """Whether it computes on a GPU."""
        return self.target != "DNN_TARGET_CPU"

    def _placed(self, network: cv2.dnn.Net, ends: Ends, threads: int | None) -> Run:
        if threads is not None:
            cv2.setNumThreads(threads)
        if self.cuda:
            opencv_gpu.use_gpu(network, self.target, _shapes(ends), ends.name)
        return run_opencv(network, ends)


def _shapes(ends: Ends) -> dict[str, list[int]]:
    """Of the inputs for one picture; heights and widths that are left open are SIDE."""
    return {value.blob: [1, *(size or SIDE for size in value.shape[1:])] for value in ends.inputs}


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
