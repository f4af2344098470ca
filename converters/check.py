"""Runs a converted net in every installed runtime and compares it with its source."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from importlib.util import find_spec

import cv2
import numpy as np
from numpy.typing import NDArray

from .batch import BATCH, open_shapes
from .conversion import Converted
from .ends import Blobs, Run
from .errors import ProtofaceError
from .files import PathLike
from .graph import Graph, Net, build_graph
from .onnx_export import to_onnx
from .onnx_file import is_onnx
from .onnx_import import read_onnx
from .opencv_net import opencv_net
from .opencv_onnx import has_caffe_importer, opencv_net_from_onnx
from .runtimes import run_onnxruntime, run_opencv, run_pytorch, run_reference
from .weights import read_weights, with_weights

#: A conversion agrees with its source if no output differs by more, as a part of the largest output.
TOLERANCE = 1e-4
#: The same for a file in half precision, whose numbers have 11 bits.
FLOAT16_TOLERANCE = 5e-3


@dataclass(frozen=True)
class Difference:
    """Largest difference of one runtime from the source, as a part of the largest output."""

    runtime: str
    difference: float
    tolerance: float = TOLERANCE

    @property
    def agrees(self) -> bool:
        """Whether the difference is at most the tolerance; NaN never is."""
        return self.difference <= self.tolerance


def tolerance_of(converted: Converted) -> float:
    """The difference that a conversion may have from its source."""
    return FLOAT16_TOLERANCE if converted.float16 else TOLERANCE


def check_converted(
    out: PathLike, converted: Converted, batch: int = 2, seed: int = 0
) -> list[Difference]:
    """Compare the file `out`, read back, with its source in every installed runtime.

    The reference is the source in PyTorch, float64, fed `batch` pictures of uniform noise in
    [-128, 128) drawn from `seed`, or the declared number where no other fits. Of an ONNX file it is the
    file in onnx's own evaluator, float32, fed the declared batch, since a model may allow no other.
    """
    graph = build_graph(converted.source, os.fspath(out))
    if converted.model is not None:
        feed = random_inputs(graph, batch, seed, [])
        expected = run_reference(read_onnx(converted.model), graph)(feed)
    else:
        shapes = open_shapes(converted.source, graph, os.fspath(out))
        feed = random_inputs(graph, batch, seed, [x for x in shapes if BATCH in shapes[x][:1]])
        expected = run_pytorch(converted.source, np.float64)(feed)
    return [
        Difference(name, largest_difference(expected, run(feed)), tolerance_of(converted))
        for name, run in _runtimes(out, converted).items()
    ]


def _runtimes(out: PathLike, converted: Converted) -> dict[str, Run]:
    if is_onnx(out):
        with open(out, "rb") as file:
            return onnx_runtimes(file.read(), build_graph(converted.net, os.fspath(out)))
    return caffe_runtimes(with_weights(converted.net, read_weights(out), os.fspath(out)))


def caffe_runtimes(net: Net) -> dict[str, Run]:
    """What runs a net with weights: PyTorch, OpenCV's Caffe importer (4.x), all that runs ONNX."""
    graph = build_graph(net, net.name)
    runs = {f"torch {_version('torch')}": run_pytorch(net, np.float32)}
    if has_caffe_importer():
        name = f"opencv {cv2.__version__} (caffe)"
        runs[name] = run_opencv(opencv_net(net, net.name), graph)
    return {**runs, **onnx_runtimes(to_onnx(net, net.name).SerializeToString(), graph)}


def onnx_runtimes(model: bytes, graph: Graph) -> dict[str, Run]:
    """What runs a serialised ONNX model of `graph`: OpenCV, and ONNX Runtime if it is installed."""
    runs = {
        f"opencv {cv2.__version__} (onnx)": run_opencv(opencv_net_from_onnx(model, graph.name), graph)
    }
    if find_spec("onnxruntime"):
        runs[f"onnxruntime {_version('onnxruntime')}"] = run_onnxruntime(model, graph)
    return runs


def random_inputs(graph: Graph, batch: int, seed: int, batched: Collection[str] | None = None) -> Blobs:
    """Uniform noise in [-128, 128) for every input of a net, float32.

    `batched` names those of which there are `batch` instead of the declared number; None: all.
    """
    generator = np.random.default_rng(seed)
    feed = {}
    for value in graph.inputs:
        many = batched is None or value.name in batched
        shape = (batch, *value.shape[1:]) if many else value.shape
        feed[value.blob] = generator.uniform(-128, 128, shape).astype(np.float32)
    return feed


def largest_difference(
    expected: Mapping[str, NDArray[np.floating]], actual: Mapping[str, NDArray[np.floating]]
) -> float:
    """Largest absolute difference of any output, divided by that output's largest value.

    NaN if any value is not finite. Raises ProtofaceError if an output is missing or has another shape.
    """
    worst = 0.0
    for name, reference in expected.items():
        if name not in actual:
            raise ProtofaceError(f"output '{name}' is missing; there are {sorted(actual)}")
        if actual[name].shape != reference.shape:
            raise ProtofaceError(
                f"output '{name}' has shape {actual[name].shape} instead of {reference.shape}"
            )
        if not np.isfinite(actual[name]).all() or not np.isfinite(reference).all():
            return float("nan")
        scale = max(float(np.abs(reference).max()), float(np.finfo(np.float32).tiny))
        worst = max(worst, float(np.abs(actual[name] - reference).max()) / scale)
    return worst


def _version(package: str) -> str:
    from importlib.metadata import version

    return version(package)
