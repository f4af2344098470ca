"""Caffe files in OpenCV DNN, on any OpenCV: 4.x reads them itself, 5.x by way of ONNX in memory.

On 4.x too a net goes by way of ONNX if the importer has no layer that computes the same as one of its.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
import numpy as np
from numpy.typing import NDArray

from . import caffe_pb2
from .blobs import to_blob
from .errors import ProtofaceError
from .files import PathLike
from .graph import Net, build_graph
from .onnx_export import to_onnx
from .prototxt import to_text
from .weights import weights_of, without_weights


def has_caffe_importer() -> bool:
    """Whether this OpenCV still reads Caffe files itself: 4.x does, 5.0 dropped the importer."""
    return hasattr(cv2.dnn, "readNetFromCaffe")


def read_net_from_caffe(prototxt: PathLike, caffemodel: PathLike) -> cv2.dnn.Net:
    """`cv2.dnn.readNetFromCaffe` for every OpenCV from 4.10 on.

    Both files are checked first, so a missing, truncated or foreign one is a ProtofaceError that names
    it, never an OpenCV error. Inputs and outputs are named after the Caffe blobs.
    """
    from .conversion import load_net

    return opencv_net(load_net(prototxt, caffemodel), str(prototxt))


def opencv_net(net: Net, source: str, classic_engine: bool = False) -> cv2.dnn.Net:
    """An OpenCV network of a net that holds its weights; see `read_net_from_caffe`.

    `classic_engine`: on 5.x, not its new engine, which computes on the CPU whatever target is set.
    """
    rewritten = for_importer(net, source) if has_caffe_importer() else None
    if rewritten is None:
        model = to_onnx(net, source).SerializeToString()
        return opencv_net_from_onnx(model, source, classic_engine)
    text, weights = to_text(without_weights(rewritten)).encode(), rewritten.SerializeToString()
    try:
        # the type stubs of OpenCV 5 know no importer for Caffe files
        reader = cv2.dnn.readNetFromCaffe  # type: ignore[attr-defined]
        network: cv2.dnn.Net = reader(_buffer(text), _buffer(weights))
    except cv2.error as error:
        raise _refused(source, error) from error
    return network


def for_importer(net: Net, source: str) -> Net | None:
    """The net as OpenCV 4's importer reads it right; None if some layer can go by ONNX only.

    Every blob is written once, by a layer of its name (the importer calls its outputs after layers),
    and all weights are float32 in today's shapes.
    """
    graph = build_graph(net, source)
    if set(graph.inputs) & set(graph.outputs):
        return None  # it cannot be asked for an input that no layer reads
    weights = weights_of(net, graph, source)
    rewritten = Net(name=net.name)
    for node in graph.nodes:
        if not node.tops:
            continue  # a Silence: here nothing is an output that is not asked for
        layer = caffe_pb2.LayerParameter()
        layer.CopyFrom(node.layer.param)
        for field in ("include", "exclude", "blobs", "param"):
            layer.ClearField(field)
        layer.bottom[:] = [value.name for value in node.bottoms]
        layer.top[:] = [value.name for value in node.tops]
        layer.name = layer.top[0]
        layer.blobs.extend(to_blob(weights[key].astype(np.float32)) for key in node.keys)
        layers = node.layer.opencv(layer)
        if layers is None:
            return None
        rewritten.layer.extend(layers)
    return rewritten


def opencv_net_from_onnx(model: bytes, source: str, classic_engine: bool = False) -> cv2.dnn.Net:
    """An OpenCV network of a serialised ONNX model; `source` names it in errors."""
    try:
        if classic_engine and hasattr(cv2.dnn, "ENGINE_CLASSIC"):
            return _by_file(model)
        return cv2.dnn.readNetFromONNX(_buffer(model))
    except cv2.error as error:
        raise _refused(source, error) from error


def _by_file(model: bytes) -> cv2.dnn.Net:
    """OpenCV 5.0 reads a model in memory with its new engine, whichever it is told to take."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "net.onnx"
        path.write_bytes(model)
        return cv2.dnn.readNetFromONNX(str(path), cv2.dnn.ENGINE_CLASSIC)


def _buffer(content: bytes) -> NDArray[np.uint8]:
    return np.frombuffer(content, np.uint8)  # OpenCV takes bytes for a file's name


def _refused(source: str, error: cv2.error) -> ProtofaceError:
    reason = (error.err or str(error)).strip().splitlines()[0]
    return ProtofaceError(f"{source}: OpenCV {cv2.__version__} refuses it: {reason}")
